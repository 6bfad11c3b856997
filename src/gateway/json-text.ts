/**
 * The grammar of JSON (RFC 8259) over UTF-8 bytes: each function takes the position where something begins and returns
 * the one behind it, or throws a JsonFault. Nothing is built, so checking costs no memory whatever is checked.
 */

/** Says where text stops being JSON. Never leaves this folder. */
export class JsonFault extends Error {
  readonly position: number
  readonly expected: string

  constructor(position: number, expected: string) {
    super(`expected ${expected} at position ${position}`)
    this.position = position
    this.expected = expected
  }
}

/** Deepest nesting. Data is nested in tens; the bound keeps our stack, and that of whoever reads it next, from running out. */
export const JSON_DEPTH_MAX = 1_000

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

const LITERALS: readonly Buffer[] = ['true', 'false', 'null'].map((text) => Buffer.from(text))
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'))

export function skipSpace(text: Uint8Array, from: number): number {
  let at = from
  for (;;) {
    const byte = text[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at += 1
  }
}

/** Skips any value. `depth` is the number of arrays and objects around it. */
export function skipValue(text: Uint8Array, at: number, depth: number): number {
  switch (text[at]) {
    case QUOTE:
      return skipString(text, at)
    case OPEN_BRACE:
      return skipObject(text, at, depth + 1)
    case OPEN_BRACKET:
      return skipArray(text, at, depth + 1)
    default:
      return skipScalar(text, at)
  }
}

export function skipString(text: Uint8Array, from: number): number {
  if (text[from] !== QUOTE) throw new JsonFault(from, 'a string in double quotes')
  const { length } = text
  let at = from + 1
  while (at < length) {
    const byte = text[at] as number
    if (byte === QUOTE) return at + 1
    if (byte < 0x20) throw new JsonFault(at, 'an escape such as \\n instead of a control character')
    at = byte === BACKSLASH ? skipEscape(text, at + 1) : at + 1
  }
  throw new JsonFault(length, '" at the end of a string')
}

function skipEscape(text: Uint8Array, at: number): number {
  const byte = text[at]
  if (byte !== undefined && ESCAPES.has(byte)) return at + 1
  if (byte !== 0x75) throw new JsonFault(at, 'one of " \\ / b f n r t u')
  for (let digit = at + 1; digit <= at + 4; digit += 1) {
    if (!isHexadecimal(text[digit])) throw new JsonFault(digit, 'four hexadecimal digits')
  }
  return at + 5
}

function skipObject(text: Uint8Array, from: number, depth: number): number {
  checkDepth(from, depth)
  let at = skipSpace(text, from + 1)
  if (text[at] === CLOSE_BRACE) return at + 1
  for (;;) {
    at = skipSpace(text, skipString(text, at))
    if (text[at] !== COLON) throw new JsonFault(at, ':')
    at = skipSpace(text, skipValue(text, skipSpace(text, at + 1), depth))
    if (text[at] === CLOSE_BRACE) return at + 1
    if (text[at] !== COMMA) throw new JsonFault(at, ', or }')
    at = skipSpace(text, at + 1)
  }
}

function skipArray(text: Uint8Array, from: number, depth: number): number {
  checkDepth(from, depth)
  let at = skipSpace(text, from + 1)
  if (text[at] === CLOSE_BRACKET) return at + 1
  for (;;) {
    at = skipSpace(text, skipValue(text, at, depth))
    if (text[at] === CLOSE_BRACKET) return at + 1
    if (text[at] !== COMMA) throw new JsonFault(at, ', or ]')
    at = skipSpace(text, at + 1)
  }
}

function checkDepth(at: number, depth: number): void {
  if (depth > JSON_DEPTH_MAX) throw new JsonFault(at, `at most ${JSON_DEPTH_MAX} levels of nesting`)
}

function skipScalar(text: Uint8Array, at: number): number {
  const byte = text[at]
  if (byte === MINUS || isDigit(byte)) return skipNumber(text, at)
  for (const literal of LITERALS) {
    if (byte === literal[0] && literal.every((expected, index) => text[at + index] === expected))
      return at + literal.length
  }
  throw new JsonFault(at, 'a value')
}

function skipNumber(text: Uint8Array, from: number): number {
  let at = text[from] === MINUS ? from + 1 : from
  at = text[at] === ZERO ? at + 1 : skipDigits(text, at)
  if (text[at] === DOT) at = skipDigits(text, at + 1)
  if (text[at] === 0x65 || text[at] === 0x45) {
    at += 1
    if (text[at] === MINUS || text[at] === 0x2b) at += 1
    at = skipDigits(text, at)
  }
  return at
}

function skipDigits(text: Uint8Array, from: number): number {
  let at = from
  while (isDigit(text[at])) at += 1
  if (at === from) throw new JsonFault(at, 'a digit')
  return at
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}

function isHexadecimal(byte: number | undefined): boolean {
  if (byte === undefined) return false
  const lowerCase = byte | 0x20
  return isDigit(byte) || (lowerCase >= 0x61 && lowerCase <= 0x66)
}
