import { describe, expect, test } from 'vitest'
import { CanaryTrial, DEFAULT_RULES, FALSE_ALARM } from '../../src/functions/rollback/canary-trial.ts'
import type { SampledRun } from '../../src/functions/rollback/sample.ts'
import { fisherExact, upperTail, vanElteren } from '../../src/functions/rollback/statistics.ts'

/** Numbers from 0 to 1, the same for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Kind {
  readonly errors?: number
  readonly latency?: number
  readonly cpu?: number
  readonly cost?: number
  readonly cold?: number
}

/** A run with a long tail, twice as slow when it is cold. */
function sampleRun(
  random: () => number,
  { errors = 0.02, latency = 1, cpu = 1, cost = 1, cold = 0.02 }: Kind,
): SampledRun {
  const spread = (scale: number): number =>
    scale * Math.exp(Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(6.283 * random()) * 0.6)
  const isCold = random() < cold
  const slower = isCold ? 20 : 1
  return {
    ok: random() >= errors,
    cold: isCold,
    amounts: {
      latency: spread(20_000 * latency * slower),
      cpu: spread(5_000 * cpu * slower),
      cost: 400 * Math.ceil(spread(0.8 * cost)),
    },
  }
}

/** Sends calls until the canary is taken back; how many runs of its own that took, and why. */
function tryOut(seed: number, canary: Kind, { share = 0.1, calls = 4_000, stable = {} as Kind } = {}) {
  const random = createRandom(seed)
  const trial = new CanaryTrial(DEFAULT_RULES)
  let runs = 0
  for (let call = 0; call < calls; call += 1) {
    const side = random() < share ? 'canary' : 'stable'
    if (side === 'canary') runs += 1
    const findings = trial.add(side, sampleRun(random, side === 'canary' ? canary : stable))
    if (findings.length > 0) return { runs, metrics: findings.map(({ metric }) => metric), findings }
  }
  return undefined
}

const seeds = Array.from({ length: 300 }, (_, index) => 7_919 * (index + 1))

describe('a canary', () => {
  test('that is as good as the stable version is taken back no more often than stated, also if it is cold more often', () => {
    const alarms = seeds.filter((seed) => tryOut(seed, { cold: 0.3 }, { share: 0.3 }) !== undefined)
    expect(alarms.length).toBeLessThanOrEqual(FALSE_ALARM * seeds.length)
  })

  test.each([
    ['errors', 400, { errors: 0.1 }],
    ['latency', 100, { latency: 5 }],
    ['cpu', 100, { cpu: 5 }],
    ['cost', 100, { cost: 5 }],
  ] as const)('with five times the %s is taken back for that, within %i of its runs', (metric, within, kind) => {
    for (const seed of seeds.slice(0, 60)) {
      const taken = tryOut(seed, kind)
      expect([seed, taken?.metrics.includes(metric)]).toEqual([seed, true])
      expect(taken?.runs).toBeLessThanOrEqual(within)
    }
  })

  test('with half as much CPU again is found, with the figures that say so', () => {
    const taken = tryOut(1, { cpu: 1.5 })
    const [finding] = taken?.findings ?? []
    expect(taken?.metrics).toEqual(['cpu'])
    expect((finding?.canary ?? 0) / (finding?.stable ?? 1)).toBeGreaterThan(1.2)
    expect(finding).toMatchObject({ canaryRuns: taken?.runs, p: expect.any(Number) })
  })

  test('that is worse by less than the rules mind stays, however certain it is', () => {
    expect(tryOut(3, { latency: 1.05 }, { calls: 30_000, share: 0.5 })).toBeUndefined()
  })

  test('that turns bad after it was good for long is found all the same', () => {
    const random = createRandom(5)
    const trial = new CanaryTrial(DEFAULT_RULES)
    const add = (kind: Kind) =>
      trial.add('stable', sampleRun(random, {})).concat(trial.add('canary', sampleRun(random, kind)))
    for (let call = 0; call < 10_000; call += 1) expect(add({})).toEqual([])
    let calls = 0
    while (add({ errors: 0.5 }).length === 0) calls += 1
    expect(calls).toBeLessThan(600)
  })
})

test('Fisher’s test gives the value of his tea tasting, and never more than 1', () => {
  expect(fisherExact({ count: 3, of: 4 }, { count: 1, of: 4 })).toBeCloseTo(17 / 70, 8)
  expect(fisherExact({ count: 0, of: 50 }, { count: 9, of: 500 })).toBeCloseTo(1, 8)
  expect(fisherExact({ count: 50, of: 50 }, { count: 0, of: 50 })).toBeCloseTo(9.911e-30, 31)
})

test('the test of amounts agrees with Mann and Whitney’s on one stratum with ties, and with the normal distribution', () => {
  // By hand: U = 22.5 of 25; the ties are of 2, 3, 2 and 3.
  const p = vanElteren([{ tested: Uint32Array.of(0, 1, 1, 3), base: Uint32Array.of(2, 2, 1, 0) }])
  expect(p).toBeCloseTo(upperTail((22.5 - 12.5) / Math.sqrt((25 / 12) * (11 - (6 + 24 + 6 + 24) / 90))), 6)
  expect(upperTail(1.959963985)).toBeCloseTo(0.025, 7)
  expect(upperTail(-1.959963985)).toBeCloseTo(0.975, 7)
})
