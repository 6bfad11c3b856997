/** A piece of a component's pattern: fixed text, or a group. */
export interface PatternPart {
  readonly kind: 'text' | 'regexp' | 'segment' | 'rest'
  /** The text, or the source of the regular expression. */
  readonly value: string
  readonly modifier: Modifier
  readonly name: string
  readonly prefix: string
  readonly suffix: string
}

export type Modifier = '' | '?' | '*' | '+'

/** What a component is divided into: names without an expression match up to the delimiter. */
export interface Division {
  readonly delimiter: string
  /** A character that belongs to the group that follows it. */
  readonly prefix: string
}

interface Token {
  readonly kind: 'char' | 'escaped' | 'name' | 'regexp' | 'asterisk' | 'modifier' | 'open' | 'close'
  readonly value: string
}

const NAME = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy

/**
 * Cuts a pattern into tokens: URL Pattern, "tokenize", for patterns in which there is no mistake. What is one makes a token
 * of some kind, too: the cell's parser has the say in that.
 */
export function tokenize(pattern: string): Token[] {
  const tokens: Token[] = []
  for (let index = 0; index < pattern.length;) {
    const char = String.fromCodePoint(pattern.codePointAt(index) as number)
    const token = tokenAt(pattern, index, char)
    tokens.push(token)
    const marks = token.kind === 'regexp' ? 2 : token.kind === 'name' || token.kind === 'escaped' ? 1 : 0
    index += token.value.length + marks
  }
  return tokens
}

function tokenAt(pattern: string, index: number, char: string): Token {
  switch (char) {
    case '*':
      return { kind: 'asterisk', value: char }
    case '+':
    case '?':
      return { kind: 'modifier', value: char }
    case '{':
      return { kind: 'open', value: char }
    case '}':
      return { kind: 'close', value: char }
    case '\\': {
      const next = pattern.codePointAt(index + 1)
      return next === undefined ? { kind: 'char', value: char } : { kind: 'escaped', value: String.fromCodePoint(next) }
    }
    case ':': {
      NAME.lastIndex = index + 1
      const name = NAME.exec(pattern)?.[0]
      return name === undefined ? { kind: 'char', value: char } : { kind: 'name', value: name }
    }
    case '(': {
      const end = endOfGroup(pattern, index)
      return end < 0 ? { kind: 'char', value: char } : { kind: 'regexp', value: pattern.slice(index + 1, end) }
    }
    default:
      return { kind: 'char', value: char }
  }
}

/** Where the parenthesis that was opened at `index` is closed. */
function endOfGroup(pattern: string, index: number): number {
  let depth = 0
  for (let at = index; at < pattern.length; at += 1) {
    const char = pattern[at]
    if (char === '\\') at += 1
    else if (char === '(') depth += 1
    else if (char === ')') {
      depth -= 1
      if (depth === 0) return at
    }
  }
  return -1
}

/** The expression of a name without one of its own. */
export function segmentOf({ delimiter }: Division): string {
  return `[^${escapeForRegExp(delimiter)}]+?`
}

export function escapeForRegExp(text: string): string {
  return text.replace(/[.+*?^${}()[\]|/\\]/g, '\\$&')
}

/** Reads a component's pattern as the cell's parser has written it: URL Pattern, "parse a pattern string". */
export function partsOfPattern(pattern: string, division: Division): readonly PatternPart[] {
  return new PartReader(tokenize(pattern), division).read()
}

class PartReader {
  readonly #tokens: readonly Token[]
  readonly #division: Division
  readonly #parts: PatternPart[] = []
  #index = 0
  #text = ''
  #unnamed = 0

  constructor(tokens: readonly Token[], division: Division) {
    this.#tokens = tokens
    this.#division = division
  }

  read(): readonly PatternPart[] {
    while (this.#index < this.#tokens.length) this.#readOne()
    this.#endText()
    return this.#parts
  }

  #readOne(): void {
    const char = this.#take('char')
    const name = this.#take('name')
    const group = this.#take('regexp') ?? (name === undefined ? this.#take('asterisk') : undefined)
    if (name !== undefined || group !== undefined) {
      let prefix = char?.value ?? ''
      if (prefix !== '' && prefix !== this.#division.prefix) {
        this.#text += prefix
        prefix = ''
      }
      this.#add(prefix, name, group, '', this.#takeModifier())
      return
    }
    const fixed = char ?? this.#take('escaped')
    if (fixed !== undefined) {
      this.#text += fixed.value
      return
    }
    if (this.#take('open') === undefined) throw new TypeError('the pattern of a URL cannot be read')
    const prefix = this.#takeText()
    const inner = this.#take('name')
    const expression = this.#take('regexp') ?? (inner === undefined ? this.#take('asterisk') : undefined)
    const suffix = this.#takeText()
    if (this.#take('close') === undefined) throw new TypeError('the pattern of a URL cannot be read')
    this.#add(prefix, inner, expression, suffix, this.#takeModifier())
  }

  #add(prefix: string, name: Token | undefined, group: Token | undefined, suffix: string, modifier: Modifier): void {
    if (name === undefined && group === undefined) {
      if (modifier === '') {
        this.#text += prefix
        return
      }
      this.#endText()
      if (prefix !== '') this.#parts.push({ kind: 'text', value: prefix, modifier, name: '', prefix: '', suffix: '' })
      return
    }
    this.#endText()
    const segment = segmentOf(this.#division)
    const value = group === undefined ? segment : group.kind === 'asterisk' ? '.*' : group.value
    const kind = value === segment ? 'segment' : value === '.*' ? 'rest' : 'regexp'
    let called = name?.value
    if (called === undefined) {
      called = `${this.#unnamed}`
      this.#unnamed += 1
    }
    this.#parts.push({ kind, value, modifier, name: called, prefix, suffix })
  }

  #endText(): void {
    if (this.#text === '') return
    this.#parts.push({ kind: 'text', value: this.#text, modifier: '', name: '', prefix: '', suffix: '' })
    this.#text = ''
  }

  #take(kind: Token['kind']): Token | undefined {
    const token = this.#tokens[this.#index]
    if (token?.kind !== kind) return undefined
    this.#index += 1
    return token
  }

  #takeText(): string {
    let text = ''
    for (;;) {
      const token = this.#take('char') ?? this.#take('escaped')
      if (token === undefined) return text
      text += token.value
    }
  }

  #takeModifier(): Modifier {
    return ((this.#take('modifier') ?? this.#take('asterisk'))?.value ?? '') as Modifier
  }
}
