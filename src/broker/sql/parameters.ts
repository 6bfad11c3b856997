import { invalid } from '../arguments.ts'

/** The protocol counts parameters in 16 bits; nobody writes a statement with more than these by hand or by program. */
const PARAMETERS_MAX = 10_000
/** PostgreSQL's own bound of an array's dimensions. */
const DEPTH_MAX = 6

/**
 * What the guest sent as parameters, as the texts that PostgreSQL reads: numbers and booleans in its own spelling, lists as
 * arrays (`{1,2}`), other objects as JSON, null as NULL. The server gives each its type.
 */
export function parametersOf(given: unknown, bytesMax: number): readonly (string | null)[] {
  if (given === undefined || given === null) return []
  if (!Array.isArray(given)) throw invalid('params must be a list')
  if (given.length > PARAMETERS_MAX) {
    throw invalid(`params has ${given.length} entries; at most ${PARAMETERS_MAX} are allowed`)
  }
  const texts = given.map((value: unknown, index) => textOf(value, `params[${index}]`))
  const size = texts.reduce((sum, text) => sum + (text === null ? 0 : Buffer.byteLength(text)), 0)
  if (size > bytesMax) throw invalid(`params has ${size} bytes; at most ${bytesMax} are allowed`)
  return texts
}

function textOf(value: unknown, name: string): string | null {
  if (value === null || value === undefined) return null
  const text = Array.isArray(value) ? arrayText(value, name, 1) : scalarText(value)
  if (text.includes('\0')) throw invalid(`${name} holds a NUL, which PostgreSQL cannot store in a text`)
  if (!text.isWellFormed()) throw invalid(`${name} holds half of a surrogate pair`)
  return text
}

/** A value of JSON that is neither null nor a list. */
function scalarText(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function arrayText(values: readonly unknown[], name: string, depth: number): string {
  if (depth > DEPTH_MAX) throw invalid(`${name} is nested deeper than ${DEPTH_MAX} lists`)
  const texts = values.map((value) => {
    if (value === null || value === undefined) return 'NULL'
    return Array.isArray(value) ? arrayText(value, name, depth + 1) : quoted(scalarText(value))
  })
  return `{${texts.join(',')}}`
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
