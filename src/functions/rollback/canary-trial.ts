import { ROLLBACK_METRICS, type RollbackFinding, type RollbackMetric } from '../../core/function-store.ts'
import { type Amount, Sample, type SampledRun, strataOf } from './sample.ts'
import { fisherExact, vanElteren } from './statistics.ts'

/** When a canary goes back by itself. */
export interface TrialRules {
  readonly metrics: readonly RollbackMetric[]
  /** Runs of each version before anything is concluded. */
  readonly minRuns: number
  /** How much higher than the stable version's a figure must be at least, in percent. */
  readonly worsePercent: number
}

/** What applies where an alias says nothing. */
export const DEFAULT_RULES: TrialRules = { metrics: ROLLBACK_METRICS, minRuns: 50, worsePercent: 20 }

/** How often a canary that is as good as the stable version is taken back, over its whole life and all figures together. */
export const FALSE_ALARM = 0.01
/** Runs that grow by such a factor are looked at again. */
const GROWTH = 1.25
/** Runs of the canary after which the samples start anew, so that old good runs do not hide new bad ones. */
const WINDOW = 2_000

/**
 * Compares the runs of a canary with those of the stable version while they come.
 *
 * It looks again and again, so each look may be wrong less often: the k-th spends 1/(k(k+1)) of what the figure may be
 * wrong at all (Bonferroni's bound, with shares that add up to 1 however often it looks).
 */
export class CanaryTrial {
  readonly #rules: TrialRules
  #canary = new Sample()
  #stable = new Sample()
  #looks = 0
  #lookAt: number

  constructor(rules: TrialRules) {
    this.#rules = rules
    this.#lookAt = rules.minRuns
  }

  /** Takes a run in. Gives what is significantly worse, once anything is. */
  add(side: 'canary' | 'stable', run: SampledRun): readonly RollbackFinding[] {
    const sample = side === 'canary' ? this.#canary : this.#stable
    sample.add(run)
    if (this.#canary.runs < this.#lookAt || this.#stable.runs < this.#rules.minRuns) return []
    this.#looks += 1
    this.#lookAt = Math.ceil(this.#canary.runs * GROWTH)
    const findings = this.#look()
    if (this.#canary.runs >= WINDOW) this.#startAnew()
    return findings
  }

  #startAnew(): void {
    this.#canary = new Sample()
    this.#stable = new Sample()
    this.#lookAt = this.#rules.minRuns
  }

  #look(): readonly RollbackFinding[] {
    const { metrics, worsePercent } = this.#rules
    const allowed = FALSE_ALARM / metrics.length / (this.#looks * (this.#looks + 1))
    return metrics
      .map((metric) => (metric === 'errors' ? this.#compareErrors() : this.#compare(metric)))
      .filter(({ canary, stable, p }) => p < allowed && canary > stable * (1 + worsePercent / 100))
      .map((finding) => Object.freeze(finding))
  }

  #compareErrors(): RollbackFinding {
    const [canary, stable] = [this.#canary, this.#stable]
    const p = fisherExact({ count: canary.errors, of: canary.runs }, { count: stable.errors, of: stable.runs })
    return this.#finding('errors', { canary: canary.errors / canary.runs, stable: stable.errors / stable.runs, p })
  }

  #compare(metric: Amount): RollbackFinding {
    const strata = strataOf(metric, this.#canary, this.#stable)
    const p = vanElteren(strata.map(({ tested, base }) => ({ tested: tested.counts, base: base.counts })))
    const all = strata.reduce((sum, { tested }) => sum + tested.count, 0)
    // Both means by the canary's mix of warm and cold runs: else a mix that differs would look like a difference.
    const canary = strata.reduce((sum, { tested }) => sum + (tested.count / all) * tested.logMean, 0)
    const stable = strata.reduce((sum, { tested, base }) => sum + (tested.count / all) * base.logMean, 0)
    return this.#finding(metric, { canary: 2 ** canary - 1, stable: 2 ** stable - 1, p })
  }

  #finding(metric: RollbackMetric, figures: Pick<RollbackFinding, 'canary' | 'stable' | 'p'>): RollbackFinding {
    return { metric, ...figures, canaryRuns: this.#canary.runs, stableRuns: this.#stable.runs }
  }
}
