import { expect, test } from 'vitest'
import { ledger } from './ledger.ts'
import { runShort } from './run-short.ts'

test(`the short form of a gate is met: ${ledger.about}`, async () => {
  expect(await runShort(ledger)).toEqual({ violations: [], isMet: true })
})
