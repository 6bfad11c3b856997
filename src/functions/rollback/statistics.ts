/**
 * Two one-sided tests of whether one group has more than another. Both give a p-value: how often groups that are alike
 * would differ as much by chance.
 */

/** Coefficients of Lanczos’ approximation of the logarithm of the gamma function. */
const LANCZOS = [
  76.18009172947146, -86.50532032941678, 24.01409824083091, -1.231739572450155, 0.1208650973866179e-2,
  -0.5395239384953e-5,
] as const

/** The logarithm of n! to ten digits. */
export function logFactorial(n: number): number {
  if (n < 2) return 0
  const shifted = n + 1 + 5.5
  let series = 1.000000000190015
  for (const [index, coefficient] of LANCZOS.entries()) series += coefficient / (n + 2 + index)
  return (n + 1.5) * Math.log(shifted) - shifted + Math.log((2.5066282746310007 * series) / (n + 1))
}

/** So many of so many. */
export interface Share {
  readonly count: number
  readonly of: number
}

/**
 * Fisher’s exact test (R. A. Fisher, Statistical Methods for Research Workers, 5th ed. 1934, §21.02), one-sided: how
 * likely `tested` has at least as many as it has, if its share is that of `base`. Exact at any size, also of few errors.
 */
export function fisherExact(tested: Share, base: Share): number {
  const total = tested.of + base.of
  const marked = tested.count + base.count
  const most = Math.min(marked, tested.of)
  const choose = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k)
  let term = Math.exp(
    choose(marked, tested.count) + choose(total - marked, tested.of - tested.count) - choose(total, tested.of),
  )
  let sum = term
  for (let count = tested.count; count < most && term > sum * 1e-12; count += 1) {
    term *= ((marked - count) * (tested.of - count)) / ((count + 1) * (total - marked - tested.of + count + 1))
    sum += term
  }
  return Math.min(1, sum)
}

/** Counts by class, in rising order of what is compared. */
export interface Stratum {
  readonly tested: Uint32Array
  readonly base: Uint32Array
}

/**
 * Van Elteren’s test: Mann and Whitney’s U (Ann. Math. Statist. 18, 1947) within each stratum, corrected for ties, and put
 * together with weights 1/(N + 1) (P. van Elteren, Bull. Inst. Internat. Statist. 37, 1960). One-sided: how likely `tested`
 * is as high as it is by chance. By the normal approximation, good from about 20 of each on.
 */
export function vanElteren(strata: readonly Stratum[]): number {
  let excess = 0
  let variance = 0
  for (const { tested, base } of strata) {
    const m = sumOf(tested)
    const n = sumOf(base)
    const all = m + n
    if (m === 0 || n === 0) continue
    let below = 0
    let u = 0
    let ties = 0
    for (const [index, here] of tested.entries()) {
      const beside = base[index] ?? 0
      u += here * (below + beside / 2)
      below += beside
      const tied = here + beside
      ties += tied ** 3 - tied
    }
    const weight = 1 / (all + 1)
    excess += weight * (u - (m * n) / 2)
    variance += weight ** 2 * ((m * n) / 12) * (all + 1 - ties / (all * Math.max(1, all - 1)))
  }
  return variance <= 0 ? 1 : upperTail(excess / Math.sqrt(variance))
}

function sumOf(counts: Uint32Array): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/** The part of the normal distribution above z: Numerical Recipes’ erfc, with a relative error of 1.2e-7 everywhere. */
export function upperTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + x / 2)
  const series = [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196]
  const polynomial = [...series, 1.00002368].reduce((sum, coefficient) => sum * t + coefficient, 0)
  const half = (t * Math.exp(-x * x - 1.26551223 + t * polynomial)) / 2
  return z >= 0 ? half : 1 - half
}
