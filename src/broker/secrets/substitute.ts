import { invalid } from '../arguments.ts'
import { type Header, checkHeaderValue, headerOf } from '../egress/headers.ts'
import { jsonText, percentEncoded } from './forms.ts'
import { replacePlaceholders, unfinishedLength } from './placeholder.ts'
import type { RunSecrets } from './run-secrets.ts'

/** Placeholders of one request; each may become as long as the longest secret. */
const PLACEHOLDERS_MAX = 100
const BASIC = /^(basic +)([A-Za-z0-9+/_-]+={0,2})$/i

/** How a value is written in a body. */
type Writing = (value: string) => string

/**
 * Puts secrets where their placeholders are, in one request to one URL. Every method throws EGRESS_REFUSED for a secret that
 * is not bound to that URL's host, INVALID_ARGUMENT for what it cannot be put into.
 */
export class Substitution {
  readonly #secrets: RunSecrets
  readonly #url: URL
  readonly #write: Writing
  #count = 0

  constructor(secrets: RunSecrets, url: URL, headers: readonly Header[]) {
    this.#secrets = secrets
    this.#url = url
    this.#write = writingOf(headerOf(headers, 'content-type') ?? '')
  }

  /** Path and query. */
  path(): string {
    return this.#replace(this.#url.pathname + this.#url.search, percentEncoded)
  }

  headers(headers: readonly Header[]): readonly Header[] {
    return headers.map(([name, value]) => {
      const full = name === 'authorization' ? this.#basic(value) : this.#replace(value, asItIs)
      if (full !== value) checkHeaderValue(name, full)
      return [name, full]
    })
  }

  /** A whole body. */
  body(body: Buffer): Buffer {
    // One character a byte, so that bytes which are no text come through as they are.
    const text = body.toString('latin1')
    const full = this.#replace(text, (value) => Buffer.from(this.#write(value)).toString('latin1'))
    return full === text ? body : Buffer.from(full, 'latin1')
  }

  /** A body in pieces: what may be the beginning of a placeholder waits for the next one. */
  stream(): (piece: Buffer | null) => Buffer {
    let held = ''
    return (piece) => {
      const text = held + (piece?.toString('latin1') ?? '')
      const end = piece === null ? text.length : text.length - unfinishedLength(text)
      held = text.slice(end)
      return this.body(Buffer.from(text.slice(0, end), 'latin1'))
    }
  }

  /** `Basic` hides user and password in base64. */
  #basic(value: string): string {
    const [, scheme, encoded] = BASIC.exec(value) ?? []
    if (scheme === undefined || encoded === undefined) return this.#replace(value, asItIs)
    const text = Buffer.from(encoded, 'base64').toString()
    const full = this.#replace(text, asItIs)
    return full === text ? value : scheme + Buffer.from(full).toString('base64')
  }

  #replace(text: string, write: Writing): string {
    return replacePlaceholders(text, (name, nonce) => {
      this.#count += 1
      if (this.#count > PLACEHOLDERS_MAX)
        throw invalid(`a request may have ${PLACEHOLDERS_MAX} placeholders of secrets`)
      return write(this.#secrets.valueFor(name, nonce, this.#url))
    })
  }
}

/** By the body's type: a quotation mark or an ampersand in a secret must not end what it stands in. */
function writingOf(contentType: string): Writing {
  const [type = ''] = contentType.toLowerCase().split(';')
  if (/[/+]json\s*$/.test(type)) return jsonText
  return type.trim() === 'application/x-www-form-urlencoded' ? percentEncoded : asItIs
}

function asItIs(value: string): string {
  return value
}
