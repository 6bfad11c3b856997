import { expect, test } from 'vitest'
import { callArguments } from './arguments.ts'
import { runShort } from './run-short.ts'

test(`the short form of a gate is met: ${callArguments.about}`, async () => {
  expect(await runShort(callArguments)).toEqual({ violations: [], isMet: true })
})
