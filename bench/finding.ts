/** A bound that a finding should keep; missing it is reported and does not fail the run. */
export interface Target {
  readonly bound: 'at least' | 'at most'
  readonly value: number
}

/** One quantity of one subject, a value a round. Ratios are findings too: `unit` is `×`, and each round's pair makes one. */
export interface Finding {
  readonly subject: string
  readonly metric: string
  readonly unit: string
  readonly rounds: readonly number[]
  readonly target?: Target
}

/** How much is measured: `--quick` shortens everything and is good for a first look only. */
export interface Effort {
  readonly rounds: number
  /** Of one load. */
  readonly durationMs: number
  /** Load before each measured one that counts for nothing. */
  readonly warmUpMs: number
  /** Single calls of a round, where calls are measured one by one. */
  readonly calls: number
  /** Of those that are run against several sandboxes. */
  readonly programs: 'all' | 'handful'
}

/** What a file in measures/ exports. */
export interface Measure {
  readonly name: string
  /** What is compared, in one sentence, for the table and the report. */
  readonly about: string
  run(effort: Effort, note: (text: string) => void): Promise<readonly Finding[]>
}

/** A finding of the quotient of two others, round by round. */
export function ratio(
  subject: string,
  metric: string,
  dividend: readonly number[],
  divisor: readonly number[],
  target?: Target,
): Finding {
  const rounds = dividend.map((value, index) => value / (divisor[index] ?? Number.NaN))
  return { subject, metric, unit: '×', rounds, ...(target && { target }) }
}

/** Whether the median of the rounds keeps the target; undefined if there is none. */
export function keepsTarget(median: number, target: Target | undefined): boolean | undefined {
  if (target === undefined) return undefined
  return target.bound === 'at least' ? median >= target.value : median <= target.value
}
