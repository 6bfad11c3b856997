import type { Clock } from '../core/clock.ts'
import type { KvGrant } from '../core/policy.ts'
import { type EpochMillis, epochMillis } from '../core/quantity.ts'
import type { TenantId } from '../core/ids.ts'
import type { KvEntry, KvStore, KvWrite } from '../core/stores.ts'
import { fieldsOf, invalid, jsonOf, listOf, optionsOf, textOf, wholeOf } from './arguments.ts'
import { CapabilityError, type DataCapability, type DataOperation, type RunScope } from './capability.ts'

interface Parts {
  readonly store: KvStore
  readonly clock: Clock
}

const LIST_DEFAULT = 100
const LIST_MAX = 1_000
/** Ten years. */
const TTL_SECONDS_MAX = 315_360_000

/** Keys of one batch: the most that Cloudflare KV takes, too. */
const BATCH_MAX = 100
/** JSON text of an entry's metadata. */
const METADATA_BYTES_MAX = 1_024
/** Values that one `getMany` gives, together; twice the largest value if that is more. */
const ANSWER_BYTES = 1 << 20

type Of<Run> = (scope: Pick<RunScope, 'tenant'>, grant: KvGrant, args: readonly unknown[]) => Run

/** Host half of `kv`. Every value is JSON text; what is stored goes to the guest as it is. */
export function createKvCapability({ store, clock }: Parts): DataCapability<'kv'> {
  const reading = (run: Of<Promise<string>>): DataOperation<KvGrant> => ({ effect: 'none', run })
  const writing = (run: Of<Promise<string>>): DataOperation<KvGrant> => ({ effect: 'lasting', run })
  const batch = (operation: DataOperation<KvGrant>): DataOperation<KvGrant> => ({ ...operation, weigh })
  const putting = async ({ tenant }: { tenant: TenantId }, grant: KvGrant, entry: KvEntry): Promise<string> => {
    refuseUnless('done', await store.put(tenant, entry, grant), grant)
    return ''
  }
  const operations: readonly (readonly [string, DataOperation<KvGrant>])[] = [
    ['get', reading(async ({ tenant }, grant, [key]) => (await store.get(tenant, keyOf(key, grant)))?.value ?? 'null')],
    [
      'getWithMetadata',
      reading(async ({ tenant }, grant, [key]) => {
        const { value = 'null', metadata = 'null' } = (await store.get(tenant, keyOf(key, grant))) ?? {}
        return `{"value":${value},"metadata":${metadata}}`
      }),
    ],
    ['getMany', batch(reading(({ tenant }, grant, [keys]) => getMany(store, tenant, grant, keys)))],
    [
      'put',
      writing(async (scope, grant, [key, value, options]) =>
        putting(scope, grant, entryOf({ key, value, options }, grant, clock)),
      ),
    ],
    [
      'putMany',
      batch(
        writing(async ({ tenant }, grant, [entries]) => {
          refuseUnless('done', await store.putMany(tenant, entriesOf(entries, grant, clock), grant), grant)
          return ''
        }),
      ),
    ],
    ['delete', writing(async ({ tenant }, grant, [key]) => String(await store.delete(tenant, keyOf(key, grant))))],
    [
      'deleteMany',
      batch(writing(async ({ tenant }, grant, [keys]) => String(await store.deleteMany(tenant, keysOf(keys, grant))))),
    ],
    ['list', reading(({ tenant }, grant, [options]) => list(store, tenant, grant, options))],
    [
      'increment',
      writing(async ({ tenant }, grant, [key, by]) => {
        const { outcome, value } = await store.increment(tenant, keyOf(key, grant), stepOf(by), grant)
        refuseUnless('done', outcome, grant)
        return String(value)
      }),
    ],
    [
      'compareAndSet',
      writing(async ({ tenant }, grant, [key, expected, value, options]) => {
        const entry = entryOf({ key, value, options }, grant, clock)
        const present = expected === null || expected === undefined ? undefined : JSON.stringify(expected)
        let outcome = await store.compareAndSet(tenant, entry, present, grant)
        // `get` gives null for a key that holds null, too, so null has to match that as well.
        if (outcome === 'mismatch' && present === undefined) {
          outcome = await store.compareAndSet(tenant, entry, 'null', grant)
        }
        if (outcome === 'mismatch') return 'false'
        refuseUnless('done', outcome, grant)
        return 'true'
      }),
    ],
  ]
  return { name: 'kv', operations: new Map(operations), argumentsMax }
}

/** A batch is as many operations as it has keys. */
function weigh([items]: readonly unknown[]): number {
  return Array.isArray(items) ? Math.min(Math.max(items.length, 1), BATCH_MAX) : 1
}

/**
 * Two values, with metadata, and the keys of a batch or two; each byte of a key may be an escape of six, and the names of
 * options come with each entry.
 */
function argumentsMax({ keyBytes, valueBytes }: KvGrant): number {
  return 2 * valueBytes + BATCH_MAX * (6 * keyBytes + METADATA_BYTES_MAX + 100) + 1_000
}

async function getMany(store: KvStore, tenant: TenantId, grant: KvGrant, given: unknown): Promise<string> {
  const bytesMax = Math.max(ANSWER_BYTES, 2 * grant.valueBytes)
  const entries = await store.getMany(tenant, keysOf(given, grant), bytesMax)
  if (entries === undefined) {
    throw invalid(`the values of these keys have more than ${bytesMax} bytes together; get fewer at once`)
  }
  return `[${entries.map((entry) => entry?.value ?? 'null').join(',')}]`
}

async function list(store: KvStore, tenant: TenantId, grant: KvGrant, given: unknown): Promise<string> {
  const options = optionsOf(given, ['prefix', 'limit', 'cursor'])
  const { prefix = '', cursor, limit: wanted = LIST_DEFAULT } = options
  const limit = wholeOf(wanted, 'options.limit', { min: 1, max: LIST_MAX })
  if (typeof prefix !== 'string') throw invalid('options.prefix must be a string')
  if (prefix !== '') keyOf(prefix, grant, 'options.prefix')
  const after = cursor === undefined || cursor === null ? undefined : keyOf(cursor, grant, 'options.cursor')
  // One more than asked for tells whether there is another page.
  const found = await store.list(tenant, { prefix, limit: limit + 1, ...(after !== undefined && { cursor: after }) })
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return JSON.stringify({
    keys: page.map(({ key, expiresAt, metadata }) => ({
      key,
      ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
      ...(metadata !== undefined && { metadata: JSON.parse(metadata) as unknown }),
    })),
    ...(found.length > limit && last && { cursor: last.key }),
  })
}

function keyOf(given: unknown, grant: KvGrant, name = 'key'): string {
  return textOf(given, name, grant.keyBytes)
}

function keysOf(given: unknown, grant: KvGrant): readonly string[] {
  return listOf(given, 'keys', BATCH_MAX).map((key, index) => keyOf(key, grant, `keys[${index}]`))
}

function entriesOf(given: unknown, grant: KvGrant, clock: Clock): readonly KvEntry[] {
  return listOf(given, 'entries', BATCH_MAX).map((entry, index) => {
    const where = `entries[${index}]`
    const { key, value, ...options } = fieldsOf(entry, where, ['key', 'value', ...ENTRY_OPTIONS])
    return entryOf({ key, value, options }, grant, clock, `${where}.`)
  })
}

interface GivenEntry {
  readonly key: unknown
  readonly value: unknown
  readonly options: unknown
}

const ENTRY_OPTIONS = ['ttlSeconds', 'metadata'] as const

/** `where` stands before the names of the fields when there are several entries. */
function entryOf({ key, value, options }: GivenEntry, grant: KvGrant, clock: Clock, where = ''): KvEntry {
  const { ttlSeconds, metadata } = optionsOf(options, ENTRY_OPTIONS)
  const optionsName = where === '' ? 'options.' : where
  return {
    key: keyOf(key, grant, `${where}key`),
    value: jsonOf(value, `${where}value`, grant.valueBytes),
    ...(metadata !== undefined &&
      metadata !== null && { metadata: jsonOf(metadata, `${optionsName}metadata`, METADATA_BYTES_MAX) }),
    ...(ttlSeconds !== undefined && { expiresAt: expiryOf(ttlSeconds, `${optionsName}ttlSeconds`, clock) }),
  }
}

function expiryOf(given: unknown, name: string, clock: Clock): EpochMillis {
  if (typeof given !== 'number' || !(given >= 1 && given <= TTL_SECONDS_MAX)) {
    throw invalid(`${name} must be a number from 1 to ${TTL_SECONDS_MAX}`)
  }
  return epochMillis(Math.ceil(clock.now() + given * 1_000))
}

function stepOf(given: unknown): number {
  if (given === undefined) return 1
  // NaN and the infinities arrive as null.
  if (typeof given !== 'number' || !Number.isFinite(given)) throw invalid('by must be a finite number')
  return given
}

function refuseUnless(wanted: KvWrite, outcome: KvWrite, grant: KvGrant): void {
  if (outcome === wanted) return
  if (outcome === 'not-a-number') throw invalid('the stored value is not a number, or the sum is not a safe one')
  throw new CapabilityError(
    'QUOTA_EXCEEDED',
    `a tenant may keep ${grant.keys} keys and ${grant.storedBytes} bytes in kv`,
  )
}
