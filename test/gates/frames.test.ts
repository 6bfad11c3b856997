import { expect, test } from 'vitest'
import { frames } from './frames.ts'
import { runShort } from './run-short.ts'

test(`the short form of a gate is met: ${frames.about}`, async () => {
  expect(await runShort(frames)).toEqual({ violations: [], isMet: true })
})
