/**
 * JSON that came from a server, which may be older or newer than this program: read field by field, and what is not
 * there is shown as absent instead of failing.
 */
import { type Screen, escapeControls, isTerminal, print } from './terminal.ts'

/** The value at a path of field names, or undefined. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let current = value
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined
    current = (current as Record<string, unknown>)[name]
  }
  return current
}

/** The text at a path; numbers and booleans as text; undefined if there is none. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path)
  if (typeof found === 'string') return found
  return typeof found === 'number' || typeof found === 'boolean' ? String(found) : undefined
}

/** The number at a path, also when it is written as a string; undefined if there is none. */
export function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const text = textAt(value, ...path)
  if (text === undefined || text.trim() === '') return undefined
  const number = Number(text)
  return Number.isFinite(number) ? number : undefined
}

/** The list at a path; empty if there is none. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}

/** JSON text indented for people, every number as it was written. Throws SyntaxError if it is not JSON. */
export function indentJson(text: string): string {
  return JSON.stringify(parseExact(text), undefined, 2)
}

/** Prints JSON text: indented and safe to show on a terminal, on one line as it came everywhere else. */
export function printJson(screen: Screen, text: string): void {
  print(screen, isTerminal(screen) ? escapeControls(indentJson(text)) : text)
}

/** The `result` of an answer as JSON text, every number as it was written; `null` if there is none. */
export function extractResult(answer: string): string {
  return JSON.stringify(at(parseExact(answer), 'result') ?? null)
}

// A number that a double cannot hold would be changed by parsing it; its source text is kept instead.
function parseExact(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source
    return typeof value === 'number' && source !== undefined && String(value) !== source ? rawJson(source) : value
  })
}

// The compiler's library does not know this part of JSON yet.
const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON(text: string): unknown }
