import {
  BLOB_PAGE_MAX,
  SIGNED_URL_SECONDS_MAX,
  blobKeyFault,
  contentTypeFault,
  isEtag,
  metadataFaults,
} from '../core/blob-rules.ts'
import type { BlobCondition, BlobListing, BlobRange, BlobRecord } from '../core/blobs.ts'
import type { BlobsGrant } from '../core/policy.ts'
import { invalid, optionsOf, textOf, wholeOf } from './arguments.ts'

/** Longest piece of content in one call, in bytes. */
export const CHUNK_BYTES_MAX = 1 << 20
/** Keys of one call. */
export const KEYS_MAX = 1_000
const LIST_DEFAULT = 100
const DELIMITER_BYTES_MAX = 64
const URL_SECONDS_DEFAULT = 3_600
const CONTENT_TYPE = 'application/octet-stream'
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

export function keyOf(given: unknown, grant: BlobsGrant, name = 'key'): string {
  if (typeof given !== 'string') throw invalid(`${name} must be a string that is not empty`)
  const fault = blobKeyFault(given, grant.keyBytes)
  if (fault !== undefined) throw invalid(`${name} ${fault}`)
  return given
}

export function keysOf(given: unknown, grant: BlobsGrant): readonly string[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > KEYS_MAX) {
    throw invalid(`keys must be a list of 1 to ${KEYS_MAX} keys`)
  }
  return given.map((key, index) => keyOf(key, grant, `keys[${index}]`))
}

/** Content that came as base64. */
export function chunkOf(given: unknown): Buffer {
  if (typeof given !== 'string' || given.length % 4 !== 0 || !BASE64.test(given))
    throw invalid('content must be base64')
  const chunk = Buffer.from(given, 'base64')
  if (chunk.length > CHUNK_BYTES_MAX) {
    throw invalid(`content has ${chunk.length} bytes; at most ${CHUNK_BYTES_MAX} go in one call`)
  }
  return chunk
}

export interface PutOptions {
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
  readonly condition: BlobCondition
}

export function putOptionsOf(given: unknown): PutOptions {
  const {
    contentType = CONTENT_TYPE,
    metadata = {},
    ...rest
  } = optionsOf(given, ['contentType', 'metadata', 'ifMatch', 'ifNoneMatch'])
  if (typeof contentType !== 'string') throw invalid('options.contentType must be a string')
  const fault = contentTypeFault(contentType)
  if (fault !== undefined) throw invalid(`options.contentType ${fault}`)
  return { contentType, metadata: metadataOf(metadata), condition: conditionOf(rest) }
}

function metadataOf(given: unknown): Readonly<Record<string, string>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalid('options.metadata must be an object of texts')
  }
  const [fault] = metadataFaults(given as Record<string, unknown>)
  if (fault !== undefined) throw invalid(`options.metadata: ${fault}`)
  return given as Record<string, string>
}

export interface GetOptions {
  readonly range: BlobRange | undefined
  readonly condition: BlobCondition
}

export function getOptionsOf(given: unknown): GetOptions {
  const { range, ...rest } = optionsOf(given, ['range', 'ifMatch', 'ifNoneMatch'])
  return { range: range === undefined || range === null ? undefined : rangeOf(range), condition: conditionOf(rest) }
}

function conditionOf({ ifMatch, ifNoneMatch }: Record<string, unknown>): BlobCondition {
  return {
    ...(ifMatch !== undefined && { ifMatch: [etagOf(ifMatch, 'options.ifMatch')] }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch: [etagOf(ifNoneMatch, 'options.ifNoneMatch')] }),
  }
}

function etagOf(given: unknown, name: string): string {
  if (typeof given !== 'string' || !isEtag(given))
    throw invalid(`${name} must be an etag of 64 hexadecimal digits, or "*"`)
  return given
}

function rangeOf(given: unknown): BlobRange {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalid('options.range must be an object with offset and length, or suffix')
  }
  const { offset, length, suffix, ...others } = given as Record<string, unknown>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    throw invalid(`options.range.${unknown.slice(0, 50)} is not known; there is offset, length, suffix`)
  }
  const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER }
  if (suffix !== undefined) {
    if (offset !== undefined || length !== undefined) throw invalid('options.range has suffix, which goes alone')
    return { suffix: wholeOf(suffix, 'options.range.suffix', { ...bounds, min: 1 }) }
  }
  return {
    offset: wholeOf(offset ?? 0, 'options.range.offset', bounds),
    ...(length !== undefined && { length: wholeOf(length, 'options.range.length', { ...bounds, min: 1 }) }),
  }
}

export function listingOf(given: unknown, grant: BlobsGrant): BlobListing {
  const {
    prefix = '',
    delimiter,
    cursor,
    limit = LIST_DEFAULT,
  } = optionsOf(given, ['prefix', 'delimiter', 'cursor', 'limit'])
  return {
    prefix: prefix === '' ? '' : textOf(prefix, 'options.prefix', grant.keyBytes),
    limit: wholeOf(limit, 'options.limit', { min: 1, max: BLOB_PAGE_MAX }),
    ...(isGiven(delimiter) && { delimiter: textOf(delimiter, 'options.delimiter', DELIMITER_BYTES_MAX) }),
    ...(isGiven(cursor) && { cursor: textOf(cursor, 'options.cursor', grant.keyBytes) }),
  }
}

export function urlSecondsOf(given: unknown): number {
  const { expiresInSeconds = URL_SECONDS_DEFAULT } = optionsOf(given, ['expiresInSeconds'])
  return wholeOf(expiresInSeconds, 'options.expiresInSeconds', { min: 1, max: SIGNED_URL_SECONDS_MAX })
}

/** A blob as a guest is told of it. */
export function viewBlob({ uploadedAt, ...record }: BlobRecord): object {
  return { ...record, uploadedAt: new Date(uploadedAt).toISOString() }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}
