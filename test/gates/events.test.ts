import { expect, test } from 'vitest'
import { events } from './events.ts'
import { runShort } from './run-short.ts'

test(`the short form of a gate is met: ${events.about}`, async () => {
  expect(await runShort(events)).toEqual({ violations: [], isMet: true })
})
