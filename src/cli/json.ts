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

/**
 * JSON text indented for people, every number as it was written; as it is if it is nested too deeply to be taken apart.
 * Throws SyntaxError if it is not JSON.
 */
export function indentJson(text: string): string {
  try {
    return JSON.stringify(parseExact(text), undefined, 2)
  } catch (error) {
    if (error instanceof RangeError) return text
    throw error
  }
}

/** Prints JSON text: indented and safe to show on a terminal, on one line as it came everywhere else. */
export function printJson(screen: Screen, text: string): void {
  print(screen, isTerminal(screen) ? escapeControls(indentJson(text)) : text)
}

/** The `result` of an answer as JSON text, as it was written; `null` if there is none. */
export function extractResult(answer: string): string {
  return fieldText(answer, 'result') ?? 'null'
}

/** The text of a field of a JSON object. Walks along the text: a guest may nest its result deeper than any stack. */
function fieldText(json: string, name: string): string | undefined {
  let depth = 0
  let key = ''
  let start: number | undefined
  for (let place = 0; place < json.length; place += 1) {
    const character = json[place]
    if (character === '"') {
      const end = endOfString(json, place)
      if (depth === 1 && start === undefined) key = json.slice(place + 1, end - 1)
      place = end - 1
    } else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
    else if (character === ':' && depth === 1 && key === name) start ??= place + 1
    const isOver = depth === 0 || (depth === 1 && character === ',')
    if (isOver && start !== undefined) return json.slice(start, place).trim()
  }
  return undefined
}

function endOfString(json: string, start: number): number {
  let place = start + 1
  while (json[place] !== '"' && place < json.length) place += json[place] === '\\' ? 2 : 1
  return place + 1
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
