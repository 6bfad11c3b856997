/** The least, the middle and the greatest of some rounds. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

/** Throws when there is nothing to take the middle of. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).toSorted()
  return { min: percentile(sorted, 0), median: percentile(sorted, 50), max: percentile(sorted, 100) }
}

/** The value that `percent` of the sorted values are at or below, by linear interpolation. Throws for no values. */
export function percentile(sorted: Float64Array, percent: number): number {
  const place = ((sorted.length - 1) * percent) / 100
  const below = sorted[Math.floor(place)]
  const above = sorted[Math.ceil(place)]
  if (below === undefined || above === undefined) throw new Error('there is no percentile of no values')
  return below + (above - below) * (place - Math.floor(place))
}
