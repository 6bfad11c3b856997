/** What may be said of a blob, in one place for every door: guests, the HTTP API and signed URLs. */

/** Longest time that a signed URL is good for: a week, as with S3. */
export const SIGNED_URL_SECONDS_MAX = 604_800
/** Blobs and prefixes of one page. */
export const BLOB_PAGE_MAX = 1_000
/** Of all names and values of one blob together; as S3 has it. */
const METADATA_BYTES_MAX = 2_048
const METADATA_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/
const VISIBLE = /^[\x20-\x7e]*$/
const MEDIA_TYPE = /^[!#$%&'*+.^_`|~\w-]{1,127}\/[!#$%&'*+.^_`|~\w-]{1,127}(\s*;[\x20-\x7e]*)?$/
const MEDIA_TYPE_LENGTH_MAX = 255
const ETAG = /^(\*|[0-9a-f]{64})$/

/** What is wrong with a key; undefined if nothing is. */
export function blobKeyFault(key: string, bytesMax: number): string | undefined {
  if (key === '') return 'must not be empty'
  if (!key.isWellFormed()) return 'holds half of a surrogate pair'
  // Neither can stand in the path of a URL.
  if (key === '.' || key === '..') return 'must not be "." or ".."'
  const size = Buffer.byteLength(key)
  return size > bytesMax ? `has ${size} bytes; at most ${bytesMax} are allowed` : undefined
}

export function contentTypeFault(type: string): string | undefined {
  if (type.length > MEDIA_TYPE_LENGTH_MAX)
    return `has ${type.length} characters; at most ${MEDIA_TYPE_LENGTH_MAX} are allowed`
  return MEDIA_TYPE.test(type) ? undefined : 'must be a media type such as "text/plain; charset=utf-8"'
}

/** All that is wrong with the metadata of a blob. Values are texts. */
export function metadataFaults(metadata: Readonly<Record<string, unknown>>): readonly string[] {
  const faults: string[] = []
  let size = 0
  for (const [name, value] of Object.entries(metadata)) {
    const shown = JSON.stringify(name.slice(0, 70))
    if (!METADATA_NAME.test(name)) faults.push(`${shown} must be 1 to 64 of a-z, 0-9 and -`)
    if (typeof value !== 'string' || !VISIBLE.test(value))
      faults.push(`the value of ${shown} must be text of visible ASCII`)
    size += name.length + String(value).length
    if (faults.length > 10) return faults
  }
  if (size > METADATA_BYTES_MAX) faults.push(`has ${size} bytes; at most ${METADATA_BYTES_MAX} are allowed`)
  return faults
}

/** Whether a text is an etag of ours, or the `*` that means any. */
export function isEtag(text: string): boolean {
  return ETAG.test(text)
}
