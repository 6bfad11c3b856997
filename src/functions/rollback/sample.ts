/** What is compared beside errors, for each run that ended well. */
export const AMOUNTS = ['latency', 'cpu', 'cost'] as const
export type Amount = (typeof AMOUNTS)[number]

/** One run, as a canary is judged by it. */
export interface SampledRun {
  /** Whether it ended as `ok`. */
  readonly ok: boolean
  /** Runs in a new isolate are compared among themselves: a canary with few calls has more of them. */
  readonly cold: boolean
  /** Wall time and CPU time in microseconds, cost in billionths of a dollar. */
  readonly amounts: Readonly<Record<Amount, number>>
}

/** Classes an octave: two values of one class differ by at most 9 %. */
const CLASSES_PER_OCTAVE = 8
/** From 0 to 2^36: 19 hours in microseconds, 68 dollars in billionths. */
const CLASSES = 36 * CLASSES_PER_OCTAVE + 1

/** Amounts by class, and the mean of their logarithms. Takes 1.2 KB, whatever it has seen. */
export class Histogram {
  readonly counts = new Uint32Array(CLASSES)
  count = 0
  #logSum = 0

  add(value: number): void {
    const log = Math.log2(Math.max(0, value) + 1)
    const place = Math.min(CLASSES - 1, Math.floor(log * CLASSES_PER_OCTAVE))
    this.counts[place] = (this.counts[place] ?? 0) + 1
    this.count += 1
    this.#logSum += log
  }

  /** The logarithm, to base 2, of the geometric mean; 0 of none. */
  get logMean(): number {
    return this.count === 0 ? 0 : this.#logSum / this.count
  }
}

/** Warm runs and cold ones. */
const TEMPERATURES = ['warm', 'cold'] as const
export type Temperature = (typeof TEMPERATURES)[number]

/** The runs of one version during a canary: counts and histograms, so its memory is bounded. */
export class Sample {
  runs = 0
  errors = 0
  readonly #histograms = new Map<string, Histogram>()

  add({ ok, cold, amounts }: SampledRun): void {
    this.runs += 1
    if (!ok) {
      // How long a run takes to fail says nothing about those that work.
      this.errors += 1
      return
    }
    for (const amount of AMOUNTS) this.of(amount, cold ? 'cold' : 'warm').add(amounts[amount])
  }

  of(amount: Amount, temperature: Temperature): Histogram {
    return this.#histograms.getOrInsertComputed(`${amount} ${temperature}`, () => new Histogram())
  }
}

/** Histograms of both versions, by temperature. */
export function strataOf(
  amount: Amount,
  canary: Sample,
  stable: Sample,
): readonly { readonly tested: Histogram; readonly base: Histogram }[] {
  return TEMPERATURES.map((each) => ({ tested: canary.of(amount, each), base: stable.of(amount, each) })).filter(
    ({ tested, base }) => tested.count > 0 && base.count > 0,
  )
}
