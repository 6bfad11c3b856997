import { expect, test } from 'vitest'
import { kills } from './kills.ts'
import { runShort } from './run-short.ts'

test(`the short form of a gate is met: ${kills.about}`, async () => {
  expect(await runShort(kills)).toEqual({ violations: [], isMet: true })
})
