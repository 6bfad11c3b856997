/** An array as PostgreSQL writes it. */
export type ArrayText = readonly (string | null | ArrayText)[]

/** Deeper than PostgreSQL has dimensions; a server that writes more is none. */
const DEPTH_MAX = 6

/**
 * Reads PostgreSQL's text of an array, `{1,NULL,"a \"b\""}` or `[0:1]={…}`. Undefined for anything else: then it is passed
 * on as the text that it is.
 */
export function parseArrayText(text: string): ArrayText | undefined {
  const start = text.startsWith('[') ? text.indexOf('=') + 1 : 0
  try {
    const reader = new ArrayReader(text, start)
    const array = reader.readArray(1)
    return reader.isAtEnd ? array : undefined
  } catch (error) {
    if (error instanceof NotAnArray) return undefined
    throw error
  }
}

class NotAnArray extends Error {}

class ArrayReader {
  readonly #text: string
  #at: number

  constructor(text: string, at: number) {
    this.#text = text
    this.#at = at
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  readArray(depth: number): ArrayText {
    if (depth > DEPTH_MAX || this.#text[this.#at] !== '{') throw new NotAnArray()
    this.#at += 1
    const values: (string | null | ArrayText)[] = []
    if (this.#take('}')) return values
    do {
      values.push(this.#readValue(depth))
    } while (this.#take(','))
    if (!this.#take('}')) throw new NotAnArray()
    return values
  }

  #readValue(depth: number): string | null | ArrayText {
    if (this.#text[this.#at] === '{') return this.readArray(depth + 1)
    if (this.#take('"')) return this.#readQuoted()
    const bare = /[^,{}"]+/y
    bare.lastIndex = this.#at
    const found = bare.exec(this.#text)?.[0]
    if (found === undefined) throw new NotAnArray()
    this.#at += found.length
    return found === 'NULL' ? null : found
  }

  #readQuoted(): string {
    const part = /((?:[^"\\]|\\[^])*)"/y
    part.lastIndex = this.#at
    const found = part.exec(this.#text)
    if (found === null) throw new NotAnArray()
    this.#at += found[0].length
    return (found[1] ?? '').replaceAll(/\\([^])/g, '$1')
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }
}
