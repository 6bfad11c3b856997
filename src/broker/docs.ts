import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { DocFault, DocRefusal, DocStore, DocWrite, DocWritten, StoredDocument } from '../core/documents.ts'
import type { TenantId } from '../core/ids.ts'
import type { Cause } from '../core/invocations.ts'
import type { DocsGrant } from '../core/policy.ts'
import { invalid } from './arguments.ts'
import { CapabilityError, type DataCapability, type DataOperation, type DataScope, causeOf } from './capability.ts'
import {
  type CollectionArgument,
  WRITES_MAX,
  collectionOf,
  documentOf,
  idOf,
  writeOptionsOf,
  writesOf,
} from './docs-arguments.ts'
import { cursorOf, queryOf } from './docs-query.ts'

interface Parts {
  readonly store: DocStore
  readonly clock: Clock
}

/** What an operation works on. */
interface Call {
  readonly tenant: TenantId
  readonly grant: DocsGrant
  readonly cause: Cause
  readonly collection: CollectionArgument
}

/** Host half of `docs`. What it is asked for is checked here; the store decides. */
export function createDocsCapability({ store, clock }: Parts): DataCapability<'docs'> {
  const newId = (): string => createDocumentId(clock)
  const on = (
    effect: DataOperation<DocsGrant>['effect'],
    run: (call: Call, args: readonly unknown[]) => Promise<string>,
  ): DataOperation<DocsGrant> => ({
    effect,
    async run(scope: DataScope, grant, [name, ...args]) {
      return run({ tenant: scope.tenant, grant, cause: causeOf(scope), collection: collectionOf(name, grant) }, args)
    },
  })
  const write = async (call: Call, change: (name: string) => DocWrite): Promise<DocWritten> => {
    const made = change(call.collection.name)
    await declare(store, call)
    const outcome = await store.write(call.tenant, [made], call.grant, call.cause)
    if ('refused' in outcome) throw refusal(outcome.refused)
    return outcome.written[0] ?? { id: made.id, version: 0, existed: false }
  }
  const operations: readonly (readonly [string, DataOperation<DocsGrant>])[] = [
    [
      'insert',
      on('lasting', async (call, [data, given]) => {
        const { options } = writeOptionsOf(given, ['id'])
        const { id } = options
        const change = { op: 'insert', id: id === undefined || id === null ? newId() : idOf(id, 'options.id') } as const
        const text = documentOf(data, call.grant, 'data')
        return writtenText(await write(call, (collection) => ({ ...change, collection, data: text })))
      }),
    ],
    [
      'get',
      on('none', async ({ tenant, collection }, [id]) => {
        const found = await store.get(tenant, collection.name, idOf(id))
        return found === undefined ? 'null' : documentText(found)
      }),
    ],
    [
      'replace',
      on('lasting', async (call, [id, data, given]) => {
        const { options, ...versions } = writeOptionsOf(given, ['upsert'])
        const op = isUpsert(options['upsert']) ? 'put' : 'replace'
        const change = { op, id: idOf(id), data: documentOf(data, call.grant, 'data'), ...versions } as const
        return writtenText(await write(call, (collection) => ({ ...change, collection })))
      }),
    ],
    [
      'patch',
      on('lasting', async (call, [id, patch, given]) => {
        const { options: _, ...versions } = writeOptionsOf(given, [])
        const change = { op: 'patch', id: idOf(id), data: documentOf(patch, call.grant, 'patch'), ...versions } as const
        return writtenText(await write(call, (collection) => ({ ...change, collection })))
      }),
    ],
    [
      'delete',
      on('lasting', async (call, [id, given]) => {
        const { options: _, ...versions } = writeOptionsOf(given, [])
        const change = { op: 'delete', id: idOf(id), ...versions } as const
        return String((await write(call, (collection) => ({ ...change, collection }))).existed)
      }),
    ],
    ['find', on('none', (call, [query]) => find(store, call, query))],
    [
      'transact',
      {
        effect: 'lasting',
        weigh: ([changes]) => (Array.isArray(changes) ? Math.min(Math.max(changes.length, 1), WRITES_MAX) : 1),
        async run(scope: DataScope, grant, [changes]) {
          const writes = writesOf(changes, { grant, newId })
          const outcome = await store.write(scope.tenant, writes, grant, causeOf(scope))
          if ('refused' in outcome) throw refusal(outcome.refused, `operations[${outcome.refused.place}]: `)
          return `[${outcome.written.map(writtenText).join(',')}]`
        },
      },
    ],
  ]
  return { name: 'docs', operations: new Map(operations), argumentsMax }
}

/** Two documents of the largest size, each character of which may be an escape, and what a find or a transaction adds. */
function argumentsMax({ documentBytes }: DocsGrant): number {
  return 2 * documentBytes + WRITES_MAX * 1_500 + 100_000
}

/** A document as JSON text, its data as it is stored. */
export function documentText({ id, version, data, createdAt, updatedAt }: StoredDocument): string {
  const times = `"createdAt":"${new Date(createdAt).toISOString()}","updatedAt":"${new Date(updatedAt).toISOString()}"`
  return `{"id":${JSON.stringify(id)},"version":${version},${times},"data":${data}}`
}

function writtenText({ id, version }: DocWritten): string {
  return JSON.stringify({ id, version })
}

async function find(store: DocStore, call: Call, given: unknown): Promise<string> {
  const query = queryOf(given)
  await declare(store, call)
  const page = await store.find(call.tenant, call.collection.name, query)
  if ('kind' in page) throw faultOf(page, call.collection.name)
  const cursor = page.next === undefined ? '' : `,"cursor":${JSON.stringify(cursorOf(page.next, query.sort))}`
  return `{"documents":[${page.documents.map(documentText).join(',')}]${cursor}}`
}

/** Makes the indexes that the guest has declared, at the first operation that meets them missing. */
async function declare(store: DocStore, { tenant, grant, collection: { name, indexes } }: Call): Promise<void> {
  if (indexes.length === 0) return
  const known = await store.collection(tenant, name)
  const isReady = (path: string): boolean =>
    known?.indexes.some((one) => one.path === path && one.state === 'ready') ?? false
  if (indexes.every(isReady)) return
  const refused = await store.declare(tenant, name, { paths: indexes, mode: 'add' }, grant)
  if (refused !== undefined) throw refusal(refused)
}

function faultOf({ kind, path }: DocFault, collection: string): CapabilityError {
  if (kind === 'being-built') {
    return new CapabilityError('UNAVAILABLE', `the index on "${path}" of ${collection} is being built; try again`)
  }
  const remedy = `docs.collection('${collection}', { indexes: [${JSON.stringify(path)}] })`
  return invalid(`the field "${path}" of ${collection} is not indexed; to find or sort by it, declare it: ${remedy}`)
}

function refusal({ code, message }: DocRefusal, where = ''): CapabilityError {
  return new CapabilityError(code, where + message)
}

function isUpsert(given: unknown): boolean {
  if (given === undefined || given === null || typeof given === 'boolean') return given === true
  throw invalid('options.upsert must be true or false')
}

/** Sorts by time of creation, to the millisecond; 80 random bits make it one of its kind. */
function createDocumentId(clock: Clock): string {
  const time = Math.max(0, Math.floor(clock.now())).toString(32).padStart(9, '0')
  const random = Array.from(randomBytes(16), (byte) => (byte % 32).toString(32)).join('')
  return `${time}${random}`
}
