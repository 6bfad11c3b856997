import type { IncomingHttpHeaders } from 'node:http'
import { blobKeyFault, contentTypeFault, isEtag, metadataFaults } from '../core/blob-rules.ts'
import type { BlobAttributes, BlobCondition, BlobRecord, BlobStore } from '../core/blobs.ts'
import { CloisterError } from '../core/errors.ts'
import type { TenantId } from '../core/ids.ts'
import type { BlobsGrant } from '../core/policy.ts'
import { etagsOf } from './etags.ts'

interface Place {
  readonly tenant: TenantId
  readonly key: string
  readonly grant: BlobsGrant
}

interface Incoming {
  readonly headers: IncomingHttpHeaders
  readonly content: AsyncIterable<Uint8Array>
}

const META = 'x-cloister-meta-'
const CONTENT_TYPE = 'application/octet-stream'

/**
 * Stores what comes as a blob, at the pace of the disk. It is there as a whole, or there is no trace of it. Rejects with
 * INVALID_REQUEST naming every fault of key and headers, PRECONDITION_FAILED, TOO_LARGE, QUOTA_EXCEEDED, OVERLOADED.
 */
export async function receiveBlob(
  blobs: Pick<BlobStore, 'begin'>,
  { tenant, key, grant }: Place,
  { headers, content }: Incoming,
): Promise<BlobRecord> {
  const { attributes, condition } = readHeaders(headers, key, grant)
  if (Number(headers['content-length'] ?? 0) > grant.blobBytes) {
    throw new CloisterError(
      'TOO_LARGE',
      `the blob is longer than ${grant.blobBytes} bytes, the most that the policy allows`,
    )
  }
  const upload = await blobs.begin(tenant, grant)
  try {
    for await (const chunk of content) await upload.write(chunk)
    const committed = await upload.commit(attributes, condition)
    switch (committed.outcome) {
      case 'done':
        return committed.record
      case 'condition-failed':
        throw new CloisterError('PRECONDITION_FAILED', 'the blob is not what If-Match or If-None-Match asks for')
      case 'blobs-exceeded':
        throw new CloisterError('QUOTA_EXCEEDED', `a tenant may keep ${grant.blobs} blobs (capabilities.blobs.blobs)`)
      case 'bytes-exceeded':
        throw new CloisterError(
          'QUOTA_EXCEEDED',
          `a tenant may keep ${grant.storedBytes} bytes of blobs (capabilities.blobs.storedBytes)`,
        )
    }
  } finally {
    // Does nothing once it is over.
    await upload.abort()
  }
}

function readHeaders(
  headers: IncomingHttpHeaders,
  key: string,
  { keyBytes }: BlobsGrant,
): { readonly attributes: BlobAttributes; readonly condition: BlobCondition } {
  const contentType = headers['content-type'] ?? CONTENT_TYPE
  const metadata = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(META) && value !== undefined ? [[name.slice(META.length), String(value)]] : [],
    ),
  )
  const [ifMatch, ifNoneMatch] = [etagsOf(headers['if-match']), etagsOf(headers['if-none-match'])]
  const [keyFault, typeFault] = [blobKeyFault(key, keyBytes), contentTypeFault(contentType)]
  const faults = [
    ...(keyFault === undefined ? [] : [`the key ${keyFault}`]),
    ...(typeFault === undefined ? [] : [`content-type ${typeFault}`]),
    ...metadataFaults(metadata).map((fault) => `${META}*: ${fault}`),
    ...etagFaults('if-match', ifMatch),
    ...etagFaults('if-none-match', ifNoneMatch),
  ]
  if (faults.length > 0) throw new CloisterError('INVALID_REQUEST', faults.join('; '))
  const condition = { ...(ifMatch && { ifMatch }), ...(ifNoneMatch && { ifNoneMatch }) }
  return { attributes: { key, contentType, metadata }, condition }
}

function etagFaults(name: string, etags: readonly string[] = []): readonly string[] {
  return etags.every(isEtag) ? [] : [`${name} must hold etags of 64 hexadecimal digits in quotes, or *`]
}
