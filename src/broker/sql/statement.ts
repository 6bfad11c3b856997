import { invalid, textOf } from '../arguments.ts'

/** Statements that the platform sends itself, or that have no place in a call, by their first word. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['copy', 'COPY is not available: insert rows, or select them'],
  ...['begin', 'start', 'commit', 'end', 'rollback', 'abort'].map(
    (word) => [word, 'transactions begin and end by sql.transaction(…), not by statements'] as const,
  ),
])

/**
 * The text of one statement of at most `bytesMax` bytes. That it is only one, the server sees to: in the extended protocol
 * it takes no more. What slips past the look at the first word is found by the connection's state afterwards.
 */
export function statementOf(given: unknown, bytesMax: number): string {
  const text = textOf(given, 'text', bytesMax)
  // The protocol ends a text with a zero: what is behind one would be read as something else.
  if (text.includes('\0')) throw invalid('text holds a NUL, which PostgreSQL has no use for')
  const words = firstWords(text)
  const refusal = REFUSED.get(words[0] ?? '')
  const isToSavepoint = words[0] === 'rollback' && /^rollback( work| transaction)? to$/.test(words.join(' '))
  if (refusal !== undefined && !isToSavepoint) throw invalid(refusal)
  if (words[0] === 'prepare' && words[1] === 'transaction') throw invalid('PREPARE TRANSACTION is not available')
  return text
}

const SPACE = /[\s]+/y
const LINE_COMMENT = /--[^\n\r]*/y
const WORD = /[a-z_]+/iy
/** `ROLLBACK WORK TO`: no more words than these tell anything. */
const WORDS_MAX = 3

/** The first words of a statement in lower case, past comments and empty statements, up to anything that is no word. */
export function firstWords(text: string): readonly string[] {
  const words: string[] = []
  let at = 0
  while (at < text.length && words.length < WORDS_MAX) {
    const next = skip(text, at, words.length === 0 ? 'start' : 'later')
    if (next > at) {
      at = next
      continue
    }
    const word = match(WORD, text, at)
    if (word === '') break
    words.push(word.toLowerCase())
    at += word.length
    // `rollback to` says enough; what follows is a name.
    if (words.at(-1) === 'to') break
  }
  return words
}

/** The position behind a space or a comment at `at`; `at` itself if there is none. */
function skip(text: string, at: number, place: 'start' | 'later'): number {
  const space = match(SPACE, text, at) || match(LINE_COMMENT, text, at)
  if (space !== '') return at + space.length
  if (text.startsWith('/*', at)) return skipBlockComment(text, at)
  return place === 'start' && text[at] === ';' ? at + 1 : at
}

/** Block comments of PostgreSQL nest. */
function skipBlockComment(text: string, start: number): number {
  let depth = 0
  let at = start
  while (at < text.length) {
    if (text.startsWith('/*', at)) {
      depth += 1
      at += 2
    } else if (text.startsWith('*/', at)) {
      depth -= 1
      at += 2
      if (depth === 0) return at
    } else at += 1
  }
  return at
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}
