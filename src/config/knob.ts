import type { Bytes } from '../core/quantity.ts'

/** What the defaults depend on. */
export interface Machine {
  /** Memory that this process and its cells may use: the machine's, or the container's where that is less. */
  readonly totalMemory: Bytes
}

/** One setting of the host: where its value comes from, what is accepted, and why. */
export interface Knob<Value> {
  readonly fallback: Value | ((machine: Machine) => Value)
  /** The default in words where it is no constant. */
  readonly spoken?: string
  readonly unit?: string
  /** What is accepted, as a phrase that ends `must be …`. */
  readonly accepts: string
  /** Never shown, not even in a fault. */
  readonly secret?: 'yes'
  /** Why the knob exists, and why this default. */
  readonly reason: string
  /** Reads text of the environment or a typed value of an override; `undefined` if it is not acceptable. */
  readonly read: (given: unknown) => Value | undefined
}

type Facts<Value> = Pick<Knob<Value>, 'fallback' | 'spoken' | 'unit' | 'reason'> & {
  readonly min: number
  readonly max: number
}

/** A whole number within bounds, as text in digits only: `1e3` and `0x10` are more likely a slip than meant. */
export function whole<Value extends number = number>(facts: Facts<NoInfer<Value>>): Knob<Value> {
  const read = (given: unknown): Value | undefined => {
    const value = typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : given
    if (typeof value !== 'number' || !Number.isInteger(value)) return undefined
    return value >= facts.min && value <= facts.max ? (value as Value) : undefined
  }
  return { ...facts, accepts: `a whole number from ${facts.min} to ${facts.max}`, read }
}

/** One of several words. */
export function choice<const Value extends string>(
  choices: readonly Value[],
  facts: { fallback: NoInfer<Value>; reason: string },
): Knob<Value> {
  return { ...facts, accepts: `one of ${choices.join(', ')}`, read: (given) => choices.find((one) => one === given) }
}

/** A truth. */
export function flag(facts: { fallback: boolean; reason: string }): Knob<boolean> {
  const read = (given: unknown): boolean | undefined => {
    if (given === true || given === 'true' || given === '1') return true
    return given === false || given === 'false' || given === '0' ? false : undefined
  }
  return { ...facts, accepts: 'true or false', read }
}

type TextFacts<Value> = Pick<Knob<Value>, 'fallback' | 'accepts' | 'secret' | 'reason'> & { readonly pattern: RegExp }

/** Text of a certain form. */
export function text<Value extends string | undefined>({ pattern, ...facts }: TextFacts<Value>): Knob<Value | string> {
  return { ...facts, read: (given) => (typeof given === 'string' && pattern.test(given) ? given : undefined) }
}

/** A path of the file system. */
export const PATH = { pattern: /^[^\0]{1,4096}$/, accepts: 'a path of at most 4096 characters' } as const

/** The environment variable of a knob: `killGraceMs` → `CLOISTER_KILL_GRACE_MS`. */
export function variableOf(name: string): string {
  return `CLOISTER_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}
