import { Body } from './body.ts'
import { viewBytes } from './buffer-source.ts'
import { toUSVString } from './webidl.ts'

export interface ExtractedBody {
  readonly body: Body
  /** What `Content-Type` it has unless the headers say otherwise; null if none. */
  readonly type: string | null
}

const FORM = 'application/x-www-form-urlencoded;charset=UTF-8'
const TEXT = 'text/plain;charset=UTF-8'

const { isView } = ArrayBuffer

/** Makes a body of what a guest gave: Fetch, "extract a body", of Web IDL's `BodyInit`. */
export function extractBody(init: unknown): ExtractedBody {
  if ((typeof init !== 'object' && typeof init !== 'function') || init === null) return textBody(init)
  if (isView(init) || init instanceof ArrayBuffer) {
    return { body: new Body(viewBytes(init, 'a body').slice()), type: null }
  }
  return extractObject(init) ?? textBody(init)
}

function textBody(init: unknown): ExtractedBody {
  return { body: new Body(toUSVString(init)), type: TEXT }
}

/** Each of the classes is read only when an object comes that could be one of its instances. */
function extractObject(init: object): ExtractedBody | undefined {
  const { isReadableStream, isDisturbed } = require('./body-stream.ts') as typeof import('./body-stream.ts')
  if (isReadableStream(init)) {
    if (isDisturbed(init) || init.locked) throw new TypeError('a stream that is read by somebody else cannot be a body')
    return { body: new Body(undefined, init), type: null }
  }
  const { isBlob } = require('./blob.ts') as typeof import('./blob.ts')
  if (isBlob(init)) return { body: new Body(init), type: init.type === '' ? null : init.type }
  const { isFormData, entriesOf } = require('./form-data.ts') as typeof import('./form-data.ts')
  if (isFormData(init)) {
    const { serializeMultipart } = require('./multipart.ts') as typeof import('./multipart.ts')
    const { source, boundary } = serializeMultipart(entriesOf(init))
    return { body: new Body(source), type: `multipart/form-data; boundary=${boundary}` }
  }
  const { URLSearchParams } = require('./url-search-params.ts') as typeof import('./url-search-params.ts')
  if (init instanceof URLSearchParams) return { body: new Body(init.toString()), type: FORM }
  return undefined
}
