import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Deaths } from '../../src/admission/deaths.ts'
import { epochMillis, millis } from '../../src/core/quantity.ts'

const WAIT_MAX_MS = 60_000
const rate = (deathsPerSecond: number, deathsBurst: number) => ({ deathsPerSecond, deathsBurst })

/** A tenant's deaths and a clock that moves only when told. */
function open(allowed = rate(1, 3)) {
  const deaths = new Deaths()
  let nowMs = 5_000
  return {
    deaths,
    die: () => deaths.record({ reason: 'cpu', at: epochMillis(nowMs) }, allowed, millis(nowMs)) as number,
    wait: () => deaths.waitAt(millis(nowMs)) as number,
    pass: (ms: number) => void (nowMs += ms),
  }
}

describe('a tenant’s cells', () => {
  test('may be brought down as often at once as the policy says, and then each death doubles the wait, up to a minute', () => {
    const { die } = open()
    const waits = Array.from({ length: 14 }, die)
    expect(waits).toEqual([0, 0, 0, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
  })

  test('may be brought down at the rate of the policy for ever', () => {
    const { die, pass } = open(rate(1, 1))
    for (let count = 0; count < 10_000; count += 1) {
      expect(die()).toBe(0)
      pass(1_000)
    }
  })

  test('that are brought down again right after each wait make the waits longer, since a wait is no quiet time', () => {
    const { die, pass } = open()
    for (let count = 0; count < 3; count += 1) die()
    const waits: number[] = []
    for (let count = 0; count < 12; count += 1) {
      waits.push(die())
      pass(waits.at(-1)!)
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000])
  })

  test('that have been quiet long enough to fill the bucket are as those of a new tenant', () => {
    const { die, pass, wait } = open()
    for (let count = 0; count < 8; count += 1) die()
    pass(wait())
    expect(wait()).toBe(0)
    pass(3_000)
    expect([die(), die(), die(), die()]).toEqual([0, 0, 0, 250])
  })

  test('are counted, with the reason and the time of the last', () => {
    const { deaths } = open()
    expect([deaths.total, deaths.last]).toEqual([0, undefined])
    deaths.record({ reason: 'cpu', at: epochMillis(7) }, rate(1, 3), millis(0))
    deaths.record({ reason: 'memory', at: epochMillis(9) }, rate(1, 3), millis(1))
    expect([deaths.total, deaths.last]).toEqual([2, { reason: 'memory', at: 9 }])
  })

  test('obey the policy of the moment: a smaller burst takes what was left over, a larger one comes with time', () => {
    const deaths = new Deaths()
    const at = { reason: 'cpu', at: epochMillis(0) }
    deaths.record(at, rate(1, 100), millis(0))
    expect(deaths.record(at, rate(1, 1), millis(0))).toBe(0)
    expect(deaths.record(at, rate(1, 1), millis(0))).toBe(250)
    expect(deaths.record(at, rate(1, 100), millis(0))).toBe(500)
  })
})

describe('whatever happens', () => {
  /** Cells that die at once, and how long it is quiet after them. */
  const steps = fc.array(
    fc.record({
      deaths: fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 30 })),
      quietMs: fc.oneof(fc.nat({ max: 2_000 }), fc.double({ min: 0, max: 200_000, noNaN: true })),
    }),
    { maxLength: 60 },
  )
  const few = fc.double({ min: 0.001, max: 2, noNaN: true })
  const policy = fc.tuple(
    fc.oneof(few, fc.double({ min: 0.001, max: 1_000, noNaN: true })),
    fc.integer({ min: 1, max: 30 }),
  )

  test('a wait is never negative, never over a minute, and only ever shrinks while nothing dies', () => {
    fc.assert(
      fc.property(policy, steps, ([perSecond, burst], story) => {
        const { die, wait, pass } = open(rate(perSecond, burst))
        for (const { deaths, quietMs } of story) {
          for (let count = 0; count < deaths; count += 1) {
            const before = wait()
            const told = die()
            expect(told).toBe(wait())
            // A death never shortens the wait that those before it have left.
            expect(told).toBeGreaterThanOrEqual(before)
            expect(told).toBeLessThanOrEqual(WAIT_MAX_MS)
          }
          const before = wait()
          pass(quietMs)
          expect(wait()).toBeGreaterThanOrEqual(0)
          expect(wait()).toBeCloseTo(Math.max(0, before - quietMs), 3)
        }
        pass(WAIT_MAX_MS)
        expect(wait()).toBe(0)
      }),
    )
  })

  test('no more cells die without a wait than burst and rate allow over the time that was no wait', () => {
    fc.assert(
      fc.property(policy, steps, ([perSecond, burst], story) => {
        const { die, wait, pass } = open(rate(perSecond, burst))
        let free = 0
        let freeMs = 0
        for (const { deaths, quietMs } of story) {
          for (let count = 0; count < deaths; count += 1) if (wait() === 0 && die() === 0) free += 1
          freeMs += Math.max(0, quietMs - wait())
          pass(quietMs)
        }
        expect(free).toBeLessThanOrEqual(burst + (freeMs / 1_000) * perSecond + 1e-6)
      }),
    )
  })

  test('after a wait and as much quiet time as fills the bucket, a whole burst is allowed again', () => {
    fc.assert(
      fc.property(policy, steps, ([perSecond, burst], story) => {
        const { die, wait, pass } = open(rate(perSecond, burst))
        for (const { deaths, quietMs } of story) {
          for (let count = 0; count < deaths; count += 1) die()
          pass(quietMs)
        }
        pass(wait())
        pass((burst / perSecond) * 1_000 + 1)
        for (let count = 0; count < burst; count += 1) expect(die()).toBe(0)
        expect(die()).toBeCloseTo(250, 3)
      }),
    )
  })
})
