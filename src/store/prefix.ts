const LAST_CODE_POINT = 0x10ffff

/**
 * The smallest text, in code-point order, that is greater than every text that starts with `prefix`; undefined if there
 * is none. `prefix` must be well-formed Unicode.
 */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0)
  while (points.at(-1) === LAST_CODE_POINT) points.pop()
  const last = points.pop()
  if (last === undefined) return undefined
  // Surrogates are not characters: what follows U+D7FF is U+E000.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
}
