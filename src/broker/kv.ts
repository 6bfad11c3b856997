import type { Clock } from '../core/clock.ts'
import type { KvGrant } from '../core/policy.ts'
import { type EpochMillis, epochMillis } from '../core/quantity.ts'
import type { KvStore, KvWrite } from '../core/stores.ts'
import { invalid, jsonOf, optionsOf, textOf, wholeOf } from './arguments.ts'
import { type Capability, CapabilityError, type Operation } from './capability.ts'

interface Parts {
  readonly store: KvStore
  readonly clock: Clock
}

const LIST_DEFAULT = 100
const LIST_MAX = 1_000
/** Ten years. */
const TTL_SECONDS_MAX = 315_360_000

/** Host half of `kv`. Every value is JSON text; what is stored goes to the guest as it is. */
export function createKvCapability({ store, clock }: Parts): Capability<'kv'> {
  const operations = new Map<string, Operation<KvGrant>>([
    [
      'get',
      {
        effect: 'none',
        run: async ({ tenant }, grant, [key]) => (await store.get(tenant, keyOf(key, grant)))?.value ?? 'null',
      },
    ],
    [
      'put',
      {
        effect: 'lasting',
        async run({ tenant }, grant, [key, value, options]) {
          const entry = { key: keyOf(key, grant), value: valueOf(value, grant), ...expiryOf(options, clock) }
          refuseUnless('done', await store.put(tenant, entry, grant), grant)
          return ''
        },
      },
    ],
    [
      'delete',
      {
        effect: 'lasting',
        run: async ({ tenant }, grant, [key]) => String(await store.delete(tenant, keyOf(key, grant))),
      },
    ],
    ['list', { effect: 'none', run: ({ tenant }, grant, [options]) => list(store, tenant, grant, options) }],
    [
      'increment',
      {
        effect: 'lasting',
        async run({ tenant }, grant, [key, by]) {
          const { outcome, value } = await store.increment(tenant, keyOf(key, grant), stepOf(by), grant)
          refuseUnless('done', outcome, grant)
          return String(value)
        },
      },
    ],
    [
      'compareAndSet',
      {
        effect: 'lasting',
        async run({ tenant }, grant, [key, expected, value, options]) {
          const entry = { key: keyOf(key, grant), value: valueOf(value, grant), ...expiryOf(options, clock) }
          const present = expected === null || expected === undefined ? undefined : JSON.stringify(expected)
          let outcome = await store.compareAndSet(tenant, entry, present, grant)
          // `get` gives null for a key that holds null, too, so null has to match that as well.
          if (outcome === 'mismatch' && present === undefined) {
            outcome = await store.compareAndSet(tenant, entry, 'null', grant)
          }
          if (outcome === 'mismatch') return 'false'
          refuseUnless('done', outcome, grant)
          return 'true'
        },
      },
    ],
  ])
  return { name: 'kv', operations, argumentsMax }
}

/** Two values, two keys (each byte of which may be an escape of six), and the names of options. */
function argumentsMax({ keyBytes, valueBytes }: KvGrant): number {
  return 2 * valueBytes + 2 * 6 * keyBytes + 1_000
}

async function list(
  store: KvStore,
  tenant: Parameters<KvStore['list']>[0],
  grant: KvGrant,
  given: unknown,
): Promise<string> {
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
    keys: page.map(({ key, expiresAt }) => ({
      key,
      ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
    })),
    ...(found.length > limit && last && { cursor: last.key }),
  })
}

function keyOf(given: unknown, grant: KvGrant, name = 'key'): string {
  return textOf(given, name, grant.keyBytes)
}

function valueOf(given: unknown, grant: KvGrant): string {
  return jsonOf(given, 'value', grant.valueBytes)
}

function expiryOf(given: unknown, clock: Clock): { expiresAt?: EpochMillis } {
  const { ttlSeconds } = optionsOf(given, ['ttlSeconds'])
  if (ttlSeconds === undefined) return {}
  if (typeof ttlSeconds !== 'number' || !(ttlSeconds >= 1 && ttlSeconds <= TTL_SECONDS_MAX)) {
    throw invalid(`options.ttlSeconds must be a number from 1 to ${TTL_SECONDS_MAX}`)
  }
  return { expiresAt: epochMillis(Math.ceil(clock.now() + ttlSeconds * 1_000)) }
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
