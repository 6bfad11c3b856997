/** How much of a gate is run: `full` is the gate itself, `short` a sample of it that continuous integration can afford. */
export interface Effort {
  readonly form: 'full' | 'short'
  readonly seed: number
  /** In place of the form's own number of trials. */
  readonly trials?: number | undefined
  /** Told how far it is, now and then. */
  readonly note: (text: string) => void
}

/** One line of a gate's table. */
export interface Figure {
  readonly name: string
  readonly value: number | string
  /** What the value must be at most; a figure without a bound is a count. */
  readonly atMost?: number
}

export interface GateResult {
  readonly figures: readonly Figure[]
  /** What must not be, each with what is needed to have it again. A gate with one is not met. */
  readonly violations: readonly string[]
}

/** What a file of this folder exports. */
export interface Gate {
  readonly name: string
  readonly about: string
  run(effort: Effort): Promise<GateResult>
}

/** Whether all of a gate's promises held. */
export function isMet({ figures, violations }: GateResult): boolean {
  return (
    violations.length === 0 && figures.every(({ value, atMost }) => atMost === undefined || Number(value) <= atMost)
  )
}

/** A whole number from 0, below the bound. */
export type Random = (below: number) => number

/** Whole numbers below a bound from a seed (mulberry32), so that a failure can be had again. */
export function randomOf(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** Counts by name, in the order in which the names first came. */
export class Tally {
  readonly #counts = new Map<string, number>()

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count)
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  get figures(): readonly Figure[] {
    return [...this.#counts].map(([name, value]) => ({ name, value }))
  }
}
