import { callNative } from './native.ts'
import { type UrlParts, partsOf } from './url-parts.ts'
import { isPlainUrl } from './url-plain.ts'
import { URLSearchParams, followUrl, reread } from './url-search-params.ts'
import { finishInterface, makeEnumerable, needArguments, toUSVString } from './webidl.ts'

/** How the getter of `origin` says that there is none that could be compared. */
const OPAQUE = 'null'

/** Given to the constructor in place of what is to be parsed, when that is done. No guest holds it. */
const PARSED = {}

/**
 * A URL: URL Standard, "URL class". Native code parses and sets; the text that it gives is the whole state, and every getter
 * cuts its part out of that.
 */
export class URL {
  #href: string
  #parts: UrlParts | undefined
  #params: URLSearchParams | undefined

  constructor(url: unknown, base: unknown = undefined) {
    if (url === PARSED) {
      this.#href = base as string
      return
    }
    needArguments(arguments.length, 1, 'URL')
    const href = parse(url, base)
    if (href === undefined) throw new TypeError('Invalid URL')
    this.#href = href
  }

  static parse(url: unknown, base: unknown = undefined): URL | null {
    needArguments(arguments.length, 1, 'URL.parse')
    const href = parse(url, base)
    return href === undefined ? null : new URL(PARSED, href)
  }

  static canParse(url: unknown, base: unknown = undefined): boolean {
    needArguments(arguments.length, 1, 'URL.canParse')
    return parse(url, base) !== undefined
  }

  get href(): string {
    return this.#href
  }

  set href(value: unknown) {
    const href = parse(value, undefined)
    if (href === undefined) throw new TypeError('Invalid URL')
    this.#become(href)
    if (this.#params !== undefined) reread(this.#params, this.search)
  }

  get origin(): string {
    const { hostStart, pathStart, schemeEnd, pathEnd } = this.#cut()
    switch (this.#href.slice(0, schemeEnd)) {
      case 'http:':
      case 'https:':
      case 'ws:':
      case 'wss:':
      case 'ftp:':
        return `${this.#href.slice(0, schemeEnd)}//${this.#href.slice(hostStart, pathStart)}`
      case 'blob:': {
        const inner = URL.parse(this.#href.slice(pathStart, pathEnd))
        return inner !== null && /^https?:$/.test(inner.protocol) ? inner.origin : OPAQUE
      }
      default:
        return OPAQUE
    }
  }

  get protocol(): string {
    return this.#href.slice(0, this.#cut().schemeEnd)
  }

  set protocol(value: unknown) {
    this.#set('protocol', value)
  }

  get username(): string {
    const { hasHost, schemeEnd, userEnd } = this.#cut()
    return hasHost ? this.#href.slice(schemeEnd + 2, userEnd) : ''
  }

  set username(value: unknown) {
    this.#set('username', value)
  }

  get password(): string {
    const { userEnd, credentialsEnd } = this.#cut()
    return this.#href.slice(userEnd + 1, credentialsEnd)
  }

  set password(value: unknown) {
    this.#set('password', value)
  }

  get host(): string {
    const { hostStart, pathStart, hasHost } = this.#cut()
    return hasHost ? this.#href.slice(hostStart, pathStart) : ''
  }

  set host(value: unknown) {
    this.#set('host', value)
  }

  get hostname(): string {
    const { hostStart, hostEnd } = this.#cut()
    return this.#href.slice(hostStart, hostEnd)
  }

  set hostname(value: unknown) {
    this.#set('hostname', value)
  }

  get port(): string {
    const { hostEnd, pathStart, hasHost } = this.#cut()
    return hasHost ? this.#href.slice(hostEnd + 1, pathStart) : ''
  }

  set port(value: unknown) {
    this.#set('port', value)
  }

  get pathname(): string {
    const { pathStart, pathEnd } = this.#cut()
    return this.#href.slice(pathStart, pathEnd)
  }

  set pathname(value: unknown) {
    this.#set('pathname', value)
  }

  get search(): string {
    const { pathEnd, searchEnd } = this.#cut()
    return searchEnd - pathEnd <= 1 ? '' : this.#href.slice(pathEnd, searchEnd)
  }

  set search(value: unknown) {
    const search = toUSVString(value)
    this.#set('search', search)
    if (this.#params !== undefined) reread(this.#params, search)
  }

  get searchParams(): URLSearchParams {
    if (this.#params === undefined) {
      this.#params = new URLSearchParams(this.search)
      followUrl(this.#params, (query) => this.#setQuery(query))
    }
    return this.#params
  }

  get hash(): string {
    const { searchEnd } = this.#cut()
    return this.#href.length - searchEnd <= 1 ? '' : this.#href.slice(searchEnd)
  }

  set hash(value: unknown) {
    this.#set('hash', value)
  }

  toString(): string {
    return this.#href
  }

  toJSON(): string {
    return this.#href
  }

  #cut(): UrlParts {
    this.#parts ??= partsOf(this.#href)
    return this.#parts
  }

  #become(href: string): void {
    this.#href = href
    this.#parts = undefined
  }

  #set(name: string, value: unknown): void {
    const href = this.#href
    this.#become(callNative('url.set', href, name, toUSVString(value)) as string)
  }

  /** The list of parameters was changed. What it is written as needs no parser: it has no other characters. */
  #setQuery(query: string): void {
    const { pathEnd, searchEnd } = this.#cut()
    const search = query === '' ? '' : `?${query}`
    this.#become(this.#href.slice(0, pathEnd) + search + this.#href.slice(searchEnd))
  }
}

function parse(url: unknown, base: unknown): string | undefined {
  const input = toUSVString(url)
  if (base === undefined && isPlainUrl(input)) return input
  return callNative('url.parse', input, base === undefined ? undefined : toUSVString(base)) as string | undefined
}

finishInterface(URL, 'URL')
makeEnumerable(URL, 'parse', 'canParse')
