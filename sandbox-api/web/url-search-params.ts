import { type Pair, parseUrlencoded, serializeUrlencoded } from './urlencoded.ts'
import { createPairIterator } from './pair-iterator.ts'
import { finishInterface, needArguments, toSequence, toUSVString } from './webidl.ts'

/** Ways into the list that only a URL may take. */
let setPairs: (params: URLSearchParams, pairs: Pair[]) => void
let setListener: (params: URLSearchParams, changed: (query: string) => void) => void

/** Names and values of a query: URL Standard, "URLSearchParams class". */
export class URLSearchParams {
  #pairs: Pair[]
  #changed: ((query: string) => void) | undefined

  constructor(init: unknown = '') {
    this.#pairs = typeof init === 'string' ? pairsOfText(init.toWellFormed()) : pairsOf(init)
  }

  static {
    setPairs = (params, pairs) => {
      params.#pairs = pairs
    }
    setListener = (params, changed) => {
      params.#changed = changed
    }
  }

  get size(): number {
    return this.#pairs.length
  }

  append(name: unknown, value: unknown): void {
    const pairs = this.#pairs
    needArguments(arguments.length, 2, 'append')
    pairs.push([toUSVString(name), toUSVString(value)])
    this.#update()
  }

  delete(name: unknown, value: unknown = undefined): void {
    const matches = this.#matcher(arguments.length, 'delete', name, value)
    this.#pairs = this.#pairs.filter((pair) => !matches(pair))
    this.#update()
  }

  get(name: unknown): string | null {
    const matches = this.#matcher(arguments.length, 'get', name, undefined)
    return this.#pairs.find(matches)?.[1] ?? null
  }

  getAll(name: unknown): string[] {
    const matches = this.#matcher(arguments.length, 'getAll', name, undefined)
    return this.#pairs.filter(matches).map((pair) => pair[1])
  }

  has(name: unknown, value: unknown = undefined): boolean {
    const matches = this.#matcher(arguments.length, 'has', name, value)
    return this.#pairs.some(matches)
  }

  set(name: unknown, value: unknown): void {
    void this.#pairs
    needArguments(arguments.length, 2, 'set')
    const pair: Pair = [toUSVString(name), toUSVString(value)]
    const first = this.#pairs.findIndex((other) => other[0] === pair[0])
    if (first < 0) this.#pairs.push(pair)
    else {
      const kept = this.#pairs.filter((other, index) => index <= first || other[0] !== pair[0])
      kept[first] = pair
      this.#pairs = kept
    }
    this.#update()
  }

  /** By UTF-16 units, as the language compares texts; what is equal keeps its order. */
  sort(): void {
    this.#pairs.sort((one, other) => (one[0] < other[0] ? -1 : one[0] > other[0] ? 1 : 0))
    this.#update()
  }

  forEach(callback: unknown, thisArgument: unknown = undefined): void {
    void this.#pairs
    needArguments(arguments.length, 1, 'forEach')
    if (typeof callback !== 'function') throw new TypeError('the argument of forEach must be a function')
    // The callback may change the list, and sees what it has become.
    for (let index = 0; index < this.#pairs.length; index += 1) {
      const [name, value] = this.#pairs[index] as Pair
      Reflect.apply(callback, thisArgument, [value, name, this])
    }
  }

  keys(): IterableIterator<string> {
    void this.#pairs
    return createPairIterator('URLSearchParams', (index) => this.#pairs[index], 'key') as IterableIterator<string>
  }

  values(): IterableIterator<string> {
    void this.#pairs
    return createPairIterator('URLSearchParams', (index) => this.#pairs[index], 'value') as IterableIterator<string>
  }

  entries(): IterableIterator<Pair> {
    void this.#pairs
    return createPairIterator('URLSearchParams', (index) => this.#pairs[index], 'entry') as IterableIterator<Pair>
  }

  declare [Symbol.iterator]: () => IterableIterator<Pair>

  toString(): string {
    return serializeUrlencoded(this.#pairs)
  }

  #matcher(count: number, method: string, name: unknown, value: unknown): (pair: Pair) => boolean {
    void this.#pairs
    needArguments(count, 1, method)
    const wanted = toUSVString(name)
    if (value === undefined) return (pair) => pair[0] === wanted
    const wantedValue = toUSVString(value)
    return (pair) => pair[0] === wanted && pair[1] === wantedValue
  }

  #update(): void {
    this.#changed?.(serializeUrlencoded(this.#pairs))
  }
}

finishInterface(URLSearchParams, 'URLSearchParams')
Object.defineProperty(URLSearchParams.prototype, Symbol.iterator, {
  value: URLSearchParams.prototype.entries,
  writable: true,
  configurable: true,
})

/** Has a URL follow the changes of its list. */
export function followUrl(params: URLSearchParams, changed: (query: string) => void): void {
  setListener(params, changed)
}

/** The URL of a list has another query: the list is that. */
export function reread(params: URLSearchParams, search: string): void {
  setPairs(params, pairsOfText(search))
}

function pairsOfText(text: string): Pair[] {
  return parseUrlencoded(text.charCodeAt(0) === 0x3f ? text.slice(1) : text)
}

/** Web IDL's `(sequence<sequence<USVString>> or record<USVString, USVString> or USVString)`. */
function pairsOf(init: unknown): Pair[] {
  if ((typeof init !== 'object' && typeof init !== 'function') || init === null) return pairsOfText(toUSVString(init))
  const method = (init as { [Symbol.iterator]?: unknown })[Symbol.iterator]
  if (method !== undefined && method !== null) {
    if (typeof method !== 'function') throw new TypeError('the list of parameters cannot be iterated over')
    return toSequence(init, 'the list of parameters').map((entry) => {
      const pair = toSequence(entry, 'a parameter')
      if (pair.length !== 2) throw new TypeError('a parameter must be a name and a value')
      return [toUSVString(pair[0]), toUSVString(pair[1])]
    })
  }
  // Two keys may become one, when halves of surrogate pairs are replaced.
  const record = new Map<string, string>()
  for (const key of Reflect.ownKeys(init)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(init, key)
    if (descriptor?.enumerable !== true) continue
    if (typeof key === 'symbol') throw new TypeError('a symbol is no name of a parameter')
    const name = toUSVString(key)
    record.set(name, toUSVString((init as Record<string, unknown>)[key]))
  }
  return [...record]
}
