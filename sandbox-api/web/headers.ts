import { HeaderList } from './header-list.ts'
import { isForbiddenRequestHeader, toHeaderName, toHeaderValue } from './header-rules.ts'
import { definePairIterable } from './pair-iterable.ts'
import { finishInterface, needArguments, toByteString, toSequence } from './webidl.ts'

/** What may be done to headers: nothing at all, what a request's or a response's allow, or everything. */
export type Guard = 'immutable' | 'request' | 'response' | 'none'

let listIn: (headers: Headers) => HeaderList
let isHeaders: (value: unknown) => value is Headers
let arrange: (headers: Headers, list: HeaderList, guard: Guard) => Headers

/** Fetch, "Headers". */
export class Headers {
  #list = new HeaderList()
  #guard: Guard = 'none'

  static {
    listIn = (headers) => headers.#list
    isHeaders = (value): value is Headers => typeof value === 'object' && value !== null && #list in value
    arrange = (headers, list, guard) => {
      headers.#list = list
      headers.#guard = guard
      return headers
    }
  }

  constructor(init: unknown = undefined) {
    if (init !== undefined) fillHeaders(this, toPairs(init))
  }

  append(name: unknown, value: unknown): void {
    const list = this.#list
    needArguments(arguments.length, 2, 'append')
    const [key, text] = [toHeaderName(name), toHeaderValue(value)]
    if (this.#mayWrite(key, text)) list.append(key, text)
  }

  delete(name: unknown): void {
    const list = this.#list
    needArguments(arguments.length, 1, 'delete')
    const key = toHeaderName(name)
    if (this.#mayWrite(key, '')) list.delete(key)
  }

  get(name: unknown): string | null {
    const list = this.#list
    needArguments(arguments.length, 1, 'get')
    return list.get(toHeaderName(name))
  }

  getSetCookie(): readonly string[] {
    return this.#list.getAll('set-cookie')
  }

  has(name: unknown): boolean {
    const list = this.#list
    needArguments(arguments.length, 1, 'has')
    return list.has(toHeaderName(name))
  }

  set(name: unknown, value: unknown): void {
    const list = this.#list
    needArguments(arguments.length, 2, 'set')
    const [key, text] = [toHeaderName(name), toHeaderValue(value)]
    if (this.#mayWrite(key, text)) list.set(key, text)
  }

  /** A response's cookies are no secret of a browser's here, so that nothing is forbidden in its headers. */
  #mayWrite(name: string, value: string): boolean {
    if (this.#guard === 'immutable') throw new TypeError('these headers cannot be changed')
    return this.#guard !== 'request' || !isForbiddenRequestHeader(name, value)
  }
}

const { append } = Headers.prototype
finishInterface(Headers, 'Headers')
definePairIterable(Headers, 'Headers', (object) => {
  if (!isHeaders(object)) throw new TypeError('Illegal invocation')
  return listIn(object).sorted()
})

/** Headers over a list that somebody else holds, too. */
export function createHeaders(list: HeaderList, guard: Guard): Headers {
  return arrange(new Headers(), list, guard)
}

export function headerListOf(headers: Headers): HeaderList {
  return listIn(headers)
}

/** Appends pairs as the guest would: what the guard forbids is left out. */
export function fillHeaders(headers: Headers, pairs: readonly (readonly [string, string])[]): void {
  for (const [name, value] of pairs) Reflect.apply(append, headers, [name, value])
}

/** `HeadersInit`: a sequence of pairs, or a record. */
export function toPairs(init: unknown): readonly (readonly [string, string])[] {
  if ((typeof init !== 'object' && typeof init !== 'function') || init === null) {
    throw new TypeError('headers must be an object, or a sequence of pairs')
  }
  const iterator: unknown = (init as Partial<Iterable<unknown>>)[Symbol.iterator]
  return iterator === undefined || iterator === null ? recordToPairs(init) : sequenceToPairs(init)
}

function sequenceToPairs(init: object): readonly (readonly [string, string])[] {
  const converted = toSequence(init, 'headers').map((pair) => toSequence(pair, 'a header').map(toHeaderText))
  for (const pair of converted) {
    if (pair.length !== 2) throw new TypeError('each of the headers must be a name and a value')
  }
  return converted as [string, string][]
}

function recordToPairs(init: object): readonly (readonly [string, string])[] {
  const pairs = new Map<string, string>()
  for (const key of Reflect.ownKeys(init)) {
    if (Reflect.getOwnPropertyDescriptor(init, key)?.enumerable !== true) continue
    const name = toHeaderText(key)
    pairs.set(name, toHeaderText((init as Record<string | symbol, unknown>)[key]))
  }
  return [...pairs]
}

function toHeaderText(value: unknown): string {
  return toByteString(value, 'a header')
}
