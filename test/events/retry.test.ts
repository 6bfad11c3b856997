import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attemptRunId } from '../../src/core/invocations.ts'
import { type RunId, createRunIds, parseRunId } from '../../src/core/ids.ts'
import { backoffOf, refusalWaitOf, retryPlanOf } from '../../src/events/retry.ts'

test('without a configuration an event has three attempts, a second and two seconds apart at most, for six hours', () => {
  const plan = retryPlanOf()
  expect(plan).toEqual({ maxAttempts: 3, initial: 1_000, factor: 2, max: 300_000, maxAge: 21_600_000 })
  expect([backoffOf(plan, 1, 1), backoffOf(plan, 2, 1)]).toEqual([1_000, 2_000])
})

test('a wait is in the upper half of what the backoff says, and never past its bound', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 1, max: 10, noNaN: true }),
      (failed, random, factor) => {
        const plan = retryPlanOf({ backoff: { initialMs: 50, factor, maxMs: 60_000 } })
        const full = Math.min(60_000, 50 * factor ** (failed - 1))
        const wait = backoffOf(plan, failed, random)
        expect(wait).toBeGreaterThanOrEqual(full / 2)
        expect(wait).toBeLessThanOrEqual(Math.ceil(full))
        expect(refusalWaitOf(failed, undefined, random)).toBeLessThanOrEqual(30_000)
      },
    ),
    { numRuns: 200 },
  )
})

test('the runs of an event have ids of their own, the first that of the event, and always the same', () => {
  const id = createRunIds(() => Date.UTC(2026, 0, 1))() as RunId
  const ids = Array.from({ length: 100 }, (_, index) => attemptRunId(id, index + 1))
  expect(ids[0]).toBe(id)
  expect(new Set(ids).size).toBe(100)
  expect(ids.every((each) => parseRunId(each) === each)).toBe(true)
  expect(attemptRunId(id, 7)).toBe(ids[6])
})
