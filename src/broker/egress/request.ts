import type { FetchGrant } from '../../core/policy.ts'
import { invalid, wholeOf } from '../arguments.ts'
import { type Header, headersOf } from './headers.ts'
import { requestTooLarge } from './upload.ts'

/** Longest piece of a body in one call, before it is base64. */
export const PIECE_BYTES_MAX = 1 << 20

const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,20}$/
const FORBIDDEN_METHODS = new Set(['CONNECT', 'TRACE', 'TRACK'])
const REDIRECTS = ['follow', 'error', 'manual'] as const
const FIELDS = new Set(['id', 'method', 'url', 'headers', 'redirect', 'body', 'stream'])
const IDS_MAX = 2 ** 31

export type RedirectMode = (typeof REDIRECTS)[number]

/** A request as the guest describes it, checked. */
export interface GuestRequest {
  /** What the guest calls it in this run. */
  readonly id: number
  readonly method: string
  readonly url: string
  readonly headers: readonly Header[]
  readonly redirect: RedirectMode
  /** `stream`: the guest gives it piece by piece. */
  readonly body: Buffer | 'stream' | null
}

/** Reads a guest's description of a request. Throws INVALID_ARGUMENT naming the field, REQUEST_TOO_LARGE. */
export function requestOf(given: unknown, { requestBytes }: FetchGrant): GuestRequest {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw invalid('the request must be an object')
  const unknown = Object.keys(given).find((name) => !FIELDS.has(name))
  if (unknown !== undefined) throw invalid(`the request has no field ${unknown.slice(0, 50)}`)
  const { id, method, url, headers = [], redirect = 'follow', body, stream } = given as Record<string, unknown>
  if (typeof url !== 'string') throw invalid('url must be text')
  const request = {
    id: idOf(id),
    method: methodOf(method),
    url,
    headers: headersOf(headers),
    redirect: redirectOf(redirect),
    body: stream === true ? ('stream' as const) : bodyOf(body),
  }
  if (request.body === null) return request
  if (request.method === 'GET' || request.method === 'HEAD') throw invalid(`a ${request.method} request has no body`)
  if (Buffer.isBuffer(request.body) && request.body.length > requestBytes) throw requestTooLarge(requestBytes)
  return request
}

/** What the guest calls a request. */
export function idOf(given: unknown): number {
  return wholeOf(given, 'id', { min: 1, max: IDS_MAX })
}

/** A piece of a body: base64, at most a mebibyte of bytes. */
export function pieceOf(given: unknown): Buffer {
  if (typeof given !== 'string') throw invalid('a piece of a body must be text in base64')
  if (given.length % 4 !== 0 || !isBase64(given)) throw invalid('a piece of a body is not base64')
  const piece = Buffer.from(given, 'base64')
  if (piece.length > PIECE_BYTES_MAX) {
    throw invalid(`a piece of a body has ${piece.length} bytes; at most ${PIECE_BYTES_MAX} are allowed`)
  }
  return piece
}

/** By hand: an expression that repeats groups is slow over megabytes. */
function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text)
}

function bodyOf(given: unknown): Buffer | null {
  return given === undefined || given === null ? null : pieceOf(given)
}

function methodOf(given: unknown): string {
  if (typeof given !== 'string' || !METHOD.test(given)) throw invalid('method must be the name of an HTTP method')
  if (FORBIDDEN_METHODS.has(given.toUpperCase())) throw invalid(`method must not be ${given}`)
  return given
}

function redirectOf(given: unknown): RedirectMode {
  const mode = REDIRECTS.find((each) => each === given)
  if (mode === undefined) throw invalid(`redirect must be ${REDIRECTS.join(', ')}`)
  return mode
}
