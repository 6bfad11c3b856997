import { CapabilityError } from './capability.ts'

/** An argument that cannot be used. The message names the argument, its fault and the bound. */
export function invalid(message: string): CapabilityError {
  return new CapabilityError('INVALID_ARGUMENT', message)
}

/** The options as a plain table of the fields that are known; an unknown one is a mistake worth telling. */
export function optionsOf(given: unknown, known: readonly string[]): Record<string, unknown> {
  return given === undefined || given === null ? {} : fieldsOf(given, 'options', known)
}

/** An object as a plain table of the fields that are known. */
export function fieldsOf(given: unknown, name: string, known: readonly string[]): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid(`${name} must be an object`)
  for (const field of Object.keys(given)) {
    if (!known.includes(field)) {
      throw invalid(`${name}.${field.slice(0, 50)} is not known; there is ${known.join(', ')}`)
    }
  }
  return given as Record<string, unknown>
}

/** A list of 1 to `max` things. */
export function listOf(given: unknown, name: string, max: number): readonly unknown[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > max) {
    throw invalid(`${name} must be a list of 1 to ${max}`)
  }
  return given
}

/** A whole number from `min` to `max`. */
export function wholeOf(given: unknown, name: string, { min, max }: { min: number; max: number }): number {
  if (typeof given !== 'number' || !Number.isInteger(given) || given < min || given > max) {
    throw invalid(`${name} must be a whole number from ${min} to ${max}`)
  }
  return given
}

/** Text that is not empty, has no half of a surrogate pair and at most `bytesMax` bytes of UTF-8. */
export function textOf(given: unknown, name: string, bytesMax: number): string {
  if (typeof given !== 'string' || given === '') throw invalid(`${name} must be a string that is not empty`)
  if (!given.isWellFormed()) throw invalid(`${name} holds half of a surrogate pair`)
  const size = Buffer.byteLength(given)
  if (size > bytesMax) throw invalid(`${name} has ${size} bytes; at most ${bytesMax} are allowed`)
  return given
}

/** The JSON text of a value of at most `bytesMax` bytes. */
export function jsonOf(given: unknown, name: string, bytesMax: number): string {
  if (given === undefined) throw invalid(`${name} must be JSON; it is undefined`)
  const text = JSON.stringify(given)
  const size = Buffer.byteLength(text)
  if (size > bytesMax) throw invalid(`${name} has ${size} bytes as JSON; at most ${bytesMax} are allowed`)
  return text
}
