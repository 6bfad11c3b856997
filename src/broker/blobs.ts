import type { BlobUrls } from '../core/blob-urls.ts'
import { type BlobOutcome, type BlobSource, type BlobStore, meetsCondition, spanOf } from '../core/blobs.ts'
import { CloisterError } from '../core/errors.ts'
import type { BlobsGrant } from '../core/policy.ts'
import { bytes } from '../core/quantity.ts'
import { invalid } from './arguments.ts'
import {
  CHUNK_BYTES_MAX,
  KEYS_MAX,
  chunkOf,
  getOptionsOf,
  keyOf,
  keysOf,
  listingOf,
  putOptionsOf,
  urlSecondsOf,
  viewBlob,
} from './blob-arguments.ts'
import { type Capability, CapabilityError, type Operation, type RunScope, causeOf } from './capability.ts'
import { OpenBodies } from './open-bodies.ts'

interface Parts {
  readonly store: BlobStore
  readonly urls: BlobUrls
}

/**
 * Host half of `blobs`. A body that is longer than a call goes in pieces under a number: `begin`, `write`, `commit` on the way
 * in, `get` and `read` on the way out. The guest awaits each, so neither side ever runs ahead of the other.
 */
export function createBlobsCapability({ store, urls }: Parts): Capability<'blobs'> {
  const bodiesOf = (scope: RunScope): OpenBodies => scope.keep(store, () => new OpenBodies())
  const sent = (scope: RunScope, length: number): void => {
    if (store.place === 'remote') scope.meter({ egress: bytes(length) })
  }
  const operations: Record<string, Operation<BlobsGrant>> = {
    head: {
      effect: 'none',
      async run({ tenant }, grant, [key]) {
        const record = await store.head(tenant, keyOf(key, grant))
        return record === undefined ? 'null' : JSON.stringify(viewBlob(record))
      },
    },
    put: {
      effect: 'lasting',
      async run(scope, grant, [key, content, given]) {
        const [name, chunk, options] = [keyOf(key, grant), chunkOf(content), putOptionsOf(given)]
        const upload = await store.begin(scope.tenant, grant, causeOf(scope))
        await upload.write(chunk)
        sent(scope, chunk.length)
        return answerOf(await upload.commit({ key: name, ...options }, options.condition), grant)
      },
    },
    begin: {
      effect: 'none',
      run: async (scope, grant) =>
        String(await bodiesOf(scope).upload(() => store.begin(scope.tenant, grant, causeOf(scope)))),
    },
    write: {
      effect: 'none',
      async run(scope, _grant, [handle, content]) {
        const chunk = chunkOf(content)
        await bodiesOf(scope).withUpload(handle, 'next', (upload) => upload.write(chunk))
        sent(scope, chunk.length)
        return ''
      },
    },
    commit: {
      effect: 'lasting',
      async run(scope, grant, [handle, key, given]) {
        const [name, options] = [keyOf(key, grant), putOptionsOf(given)]
        return bodiesOf(scope).withUpload(handle, 'last', async (upload) =>
          answerOf(await upload.commit({ key: name, ...options }, options.condition), grant),
        )
      },
    },
    get: { effect: 'none', run: (scope, grant, [key, options]) => get(scope, grant, key, options) },
    read: {
      effect: 'none',
      run: (scope, _grant, [handle]) =>
        bodiesOf(scope).withDownload(handle, async (source) => JSON.stringify(await chunkFrom(scope, source))),
    },
    close: {
      effect: 'none',
      async run(scope, _grant, [handle]) {
        await bodiesOf(scope).close(handle)
        return ''
      },
    },
    delete: {
      effect: 'lasting',
      run: async (scope, grant, [key]) =>
        String((await store.delete(scope.tenant, [keyOf(key, grant)], causeOf(scope))) > 0),
    },
    deleteMany: {
      effect: 'lasting',
      weigh: ([keys]) => (Array.isArray(keys) ? Math.min(Math.max(keys.length, 1), KEYS_MAX) : 1),
      run: async (scope, grant, [keys]) =>
        String(await store.delete(scope.tenant, keysOf(keys, grant), causeOf(scope))),
    },
    list: {
      effect: 'none',
      async run({ tenant }, grant, [options]) {
        const { blobs, prefixes, cursor } = await store.list(tenant, listingOf(options, grant))
        return JSON.stringify({ blobs: blobs.map(viewBlob), prefixes, cursor })
      },
    },
    signedUrl: {
      effect: 'none',
      run: async ({ tenant }, grant, [key, options]) =>
        JSON.stringify(await urls.make(tenant, keyOf(key, grant), urlSecondsOf(options))),
    },
  }
  return { name: 'blobs', operations: new Map(Object.entries(operations).map(withRefusals)), argumentsMax }

  async function get(scope: RunScope, grant: BlobsGrant, key: unknown, given: unknown): Promise<string> {
    const { range, condition } = getOptionsOf(given)
    const found = await store.open(scope.tenant, keyOf(key, grant), (record) => {
      if (!meetsCondition(record.etag, condition)) return undefined
      const span = spanOf(range, record.size)
      if (span === undefined)
        throw invalid(`options.range begins behind the end of the blob, which has ${record.size} bytes`)
      return span
    })
    if (found === undefined) return 'null'
    if (!('body' in found)) return JSON.stringify({ blob: viewBlob(found) })
    const { record, span, body } = found
    const first = await chunkFrom(scope, body).catch(async (error: unknown) => {
      await body[Symbol.asyncDispose]()
      throw error
    })
    const isWhole = Buffer.byteLength(first ?? '', 'base64') === span.length
    if (isWhole) await body[Symbol.asyncDispose]()
    const handle = isWhole ? undefined : await bodiesOf(scope).download(body)
    return JSON.stringify({ blob: viewBlob(record), range: span, content: first ?? '', handle })
  }

  /** The next piece as base64; null at the end. */
  async function chunkFrom(scope: RunScope, source: BlobSource): Promise<string | null> {
    const chunk = await source.read(CHUNK_BYTES_MAX)
    if (chunk === undefined) return null
    if (store.place === 'remote') scope.meter({ ingress: bytes(chunk.length) })
    return chunk.toString('base64')
  }
}

/** A piece of content in base64 with a key, whose bytes may be escapes of six each, and options; or a list of keys. */
function argumentsMax({ keyBytes }: BlobsGrant): number {
  return Math.max((CHUNK_BYTES_MAX * 4) / 3 + 12 * keyBytes + 16_000, KEYS_MAX * Math.min(6 * keyBytes + 3, 2_000))
}

function answerOf(outcome: BlobOutcome, grant: BlobsGrant): string {
  switch (outcome.outcome) {
    case 'done':
      return JSON.stringify(viewBlob(outcome.record))
    case 'condition-failed':
      return 'null'
    case 'blobs-exceeded':
      throw new CapabilityError('QUOTA_EXCEEDED', `a tenant may keep ${grant.blobs} blobs (capabilities.blobs.blobs)`)
    case 'bytes-exceeded':
      throw new CapabilityError(
        'QUOTA_EXCEEDED',
        `a tenant may keep ${grant.storedBytes} bytes of blobs (capabilities.blobs.storedBytes)`,
      )
  }
}

/** Refusals of the store in the words of capabilities; anything else is a fault of the host's. */
function withRefusals([name, operation]: [string, Operation<BlobsGrant>]): [string, Operation<BlobsGrant>] {
  const run: Operation<BlobsGrant>['run'] = async (scope, grant, args) => {
    try {
      return await operation.run(scope, grant, args)
    } catch (error) {
      throw refusalOf(error)
    }
  }
  return [name, { ...operation, run }]
}

function refusalOf(error: unknown): unknown {
  if (!(error instanceof CloisterError)) return error
  switch (error.code) {
    case 'TOO_LARGE':
    case 'QUOTA_EXCEEDED':
      return new CapabilityError('QUOTA_EXCEEDED', error.message)
    case 'OVERLOADED':
      return new CapabilityError('UNAVAILABLE', error.message)
    case 'NOT_FOUND':
      return new CapabilityError('RUN_OVER', 'the tenant is gone')
    case 'CONFLICT':
      return invalid('handle is that of an upload that is over')
    default:
      return error
  }
}
