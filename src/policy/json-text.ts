import { formatPath, quoted, type PolicyFault } from './faults.ts'

/** Longest text of a policy. The shipped ones are under 10 KiB. */
export const POLICY_TEXT_MAX = 256 * 1024
/** Deepest nesting. A policy needs 4. */
const DEPTH_MAX = 32

const SPACE = /[ \t\n\r]*/y
// All but the quote, the backslash and control characters; or an escape.
const STRING_BODY = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** The value that a text holds, or its faults. */
export type ReadJson = { readonly value: unknown } | { readonly faults: readonly PolicyFault[] }

/**
 * Reads JSON for people who edit it by hand: a syntax error has its line and column, and a field that is written twice
 * is a fault instead of one silently winning. Bounded in length and depth; never throws.
 */
export function readJsonText(text: string): ReadJson {
  if (text.length > POLICY_TEXT_MAX) {
    return { faults: [{ path: '$', message: `is ${text.length} characters long; at most ${POLICY_TEXT_MAX}` }] }
  }
  const scan = new Scan(text)
  return scan.run() ? { value: JSON.parse(text) as unknown } : { faults: scan.faults }
}

/** One pass over JSON text that makes no value. Each method reads one thing and says whether it could. */
class Scan {
  readonly faults: PolicyFault[] = []
  readonly #text: string
  readonly #path: (string | number)[] = []
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  run(): boolean {
    if (!this.#value()) return false
    if (this.#at < this.#text.length) return this.#expected('the end')
    return this.faults.length === 0
  }

  #value(): boolean {
    this.#match(SPACE)
    const read = this.#valueAt(this.#text[this.#at])
    this.#match(SPACE)
    return read
  }

  #valueAt(first: string | undefined): boolean {
    if (this.#path.length >= DEPTH_MAX) return this.#fault(`is nested deeper than ${DEPTH_MAX}`)
    if (first === '{') return this.#members()
    if (first === '[') return this.#items()
    if (first === '"') return this.#string() !== undefined
    return this.#match(SCALAR) !== undefined || this.#expected('a value')
  }

  #members(): boolean {
    const keys = new Set<string>()
    return this.#list('}', () => {
      this.#match(SPACE)
      const start = this.#at
      const key = this.#string()
      if (key === undefined) return false
      this.#path.push(key)
      if (keys.has(key)) this.#fault('is written twice', start)
      keys.add(key)
      this.#match(SPACE)
      const read = (this.#take(':') || this.#expected('":"')) && this.#value()
      if (read) this.#path.pop()
      return read
    })
  }

  #items(): boolean {
    let index = 0
    return this.#list(']', () => {
      this.#path.push(index)
      index += 1
      const read = this.#value()
      if (read) this.#path.pop()
      return read
    })
  }

  /** Reads what is between brackets; `element` reads one element and the space after it. */
  #list(close: string, element: () => boolean): boolean {
    this.#at += 1
    this.#match(SPACE)
    if (this.#take(close)) return true
    for (;;) {
      if (!element()) return false
      if (this.#take(close)) return true
      if (!this.#take(',')) return this.#expected(`"," or "${close}"`)
    }
  }

  /** Reads a string and gives its value. */
  #string(): string | undefined {
    const body = this.#match(STRING_BODY)
    if (body === undefined) this.#expected('a field name in double quotes')
    else if (!this.#take('"')) this.#expected('the rest of the string')
    else return JSON.parse(`${body}"`) as string
    return undefined
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }

  #expected(what: string): false {
    const next = this.#text[this.#at]
    return this.#fault(`expected ${what}, found ${next === undefined ? 'the end' : quoted(next)}`)
  }

  #fault(message: string, at = this.#at): false {
    // A text can repeat one field 100,000 times; nobody reads that many.
    if (this.faults.length < 100) {
      const before = this.#text.slice(0, at).split('\n')
      const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
      this.faults.push({ path: formatPath(this.#path), message: `${place}: ${message}` })
    }
    return false
  }
}
