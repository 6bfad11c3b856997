import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nanoUsd } from '../../src/core/quantity.ts'
import type { Budget } from '../../src/core/stores.ts'
import { decodeBudget, encodeBudget } from '../../src/store/budget-text.ts'

const allowance = fc.record(
  { units: fc.maxSafeNat(), money: fc.bigInt({ min: 0n, max: 10n ** 30n }).map(nanoUsd) },
  { requiredKeys: [] },
)

test('a budget that is written and read is the same budget, to the last nano-dollar', () => {
  fc.assert(
    fc.property(fc.record({ day: allowance, month: allowance }, { requiredKeys: [] }), (budget) => {
      expect(decodeBudget(encodeBudget(budget as Budget))).toEqual(budget)
    }),
  )
})
