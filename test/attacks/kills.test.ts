import { afterAll, beforeAll, expect, test } from 'vitest'
import { listen } from '../../src/core/events.ts'
import { type PoolHarness, openPool } from '../pool/harness.ts'

let cells: PoolHarness
beforeAll(async () => {
  cells = await openPool({ blankCells: 2 })
})
afterAll(() => cells[Symbol.asyncDispose]())

test('A-28 a tenant that kills its cells does not touch another tenant’s', async () => {
  await cells.run('return 1', { tenant: 'quiet' })
  const deaths: (string | undefined)[] = []
  using stack = new DisposableStack()
  stack.defer(listen('cell.retired', ({ tenant }) => deaths.push(tenant)))
  for (const _ of [1, 2, 3]) await cells.run('return "x".padStart(5e8).split("").length', { tenant: 'loud' })
  expect(await cells.value('return 2', { tenant: 'quiet' })).toBe(2)
  expect(deaths).not.toContain('quiet')
})
