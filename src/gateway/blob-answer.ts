import {
  type BlobCondition,
  type BlobRange,
  type BlobRecord,
  type BlobSpan,
  type BlobStore,
  meetsCondition,
  spanOf,
} from '../core/blobs.ts'
import { CloisterError } from '../core/errors.ts'
import type { TenantId } from '../core/ids.ts'
import type { Answer } from './answer.ts'
import { etagsOf } from './etags.ts'

/** Bytes of a blob in one write. */
const CHUNK_BYTES = 256 << 10

interface Wish {
  readonly headers: Headers
  /** `head`: the content is neither opened nor read. */
  readonly wants: 'head' | 'all'
}

interface Headers {
  readonly range?: string | undefined
  readonly 'if-match'?: string | undefined
  readonly 'if-none-match'?: string | undefined
}

/**
 * Answers with a blob, or with the part of it that the Range header names. Throws NOT_FOUND, PRECONDITION_FAILED,
 * RANGE_NOT_SATISFIABLE. What a tenant stored is never code of this host's pages: browsers are told to keep it apart.
 */
export async function answerBlob(
  blobs: Pick<BlobStore, 'open'>,
  tenant: TenantId,
  key: string,
  { headers, wants }: Wish,
): Promise<Answer> {
  const range = rangeOf(headers.range)
  const ifMatch = etagsOf(headers['if-match'])
  const ifNoneMatch = etagsOf(headers['if-none-match'])
  const condition: BlobCondition = { ...(ifMatch && { ifMatch }), ...(ifNoneMatch && { ifNoneMatch }) }
  let asked: BlobSpan | undefined
  const found = await blobs.open(tenant, key, (record) => {
    if (ifMatch !== undefined && !meetsCondition(record.etag, { ifMatch })) {
      throw new CloisterError('PRECONDITION_FAILED', 'the blob is not what If-Match asks for')
    }
    if (!meetsCondition(record.etag, condition)) return undefined
    const span = spanOf(range, record.size)
    // Of an empty blob everything is everything.
    if (span === undefined && record.size > 0) {
      throw new CloisterError('RANGE_NOT_SATISFIABLE', `the blob has ${record.size} bytes`)
    }
    asked = span ?? { offset: 0, length: 0 }
    return wants === 'head' ? undefined : asked
  })
  if (found === undefined) throw new CloisterError('NOT_FOUND', 'there is no such blob')
  if (!('body' in found)) return asked === undefined ? { status: 304, headers: headersOf(found) } : headOf(found, asked)
  const { record, span, body } = found
  return {
    ...headOf(record, span),
    body: {
      async *bytes() {
        for (let chunk = await body.read(CHUNK_BYTES); chunk !== undefined; chunk = await body.read(CHUNK_BYTES))
          yield chunk
      },
      close: async () => void (await body[Symbol.asyncDispose]()),
    },
  }
}

/** All of an answer but its content. */
function headOf(record: BlobRecord, { offset, length }: BlobSpan): Answer {
  const more = ['content-length', String(length)]
  const isPart = length < record.size
  if (isPart) more.push('content-range', `bytes ${offset}-${offset + length - 1}/${record.size}`)
  return { status: isPart ? 206 : 200, type: record.contentType, headers: [...headersOf(record), ...more] }
}

function headersOf({ etag, metadata, uploadedAt }: BlobRecord): string[] {
  const fixed = ['etag', `"${etag}"`, 'last-modified', new Date(uploadedAt).toUTCString(), 'accept-ranges', 'bytes']
  const own = Object.entries(metadata).flatMap(([name, value]) => [`x-cloister-meta-${name}`, value])
  return [...fixed, 'content-security-policy', "sandbox; default-src 'none'", ...own]
}

/** One range of bytes; anything else is as if there were none, as RFC 9110 has it. */
export function rangeOf(header: string | undefined): BlobRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '') return last === '' ? undefined : { suffix: Number(last) }
  if (last === '') return { offset: Number(first) }
  return Number(last) < Number(first) ? undefined : { offset: Number(first), length: Number(last) - Number(first) + 1 }
}
