import { expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'
import { runShort } from './run-short.ts'

test(`the short form of a gate is met: ${fuzz.about}`, async () => {
  expect(await runShort(fuzz)).toEqual({ violations: [], isMet: true })
})
