import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PoolHarness, openPool } from './harness.ts'

let cells: PoolHarness
beforeAll(async () => {
  cells = await openPool({ blankCells: 1 })
})
afterAll(() => cells[Symbol.asyncDispose]())

/** Some hundred milliseconds of the cell's thread pool for each. */
const DERIVE = `
  const password = await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits'])
  const slow = { name: 'PBKDF2', hash: 'SHA-256', salt: new Uint8Array(8), iterations: 400_000 }
  const derived = crypto.subtle.deriveBits(slow, password, 256)`

test('native work that the guest does not wait for is charged to its run, and the cell is clean afterwards', async () => {
  const waited = await cells.run(`${DERIVE}; await derived; return 1`, { tenant: 'waits' })
  const left = await cells.run(`${DERIVE}; derived.then(() => console.log('too late')); return 1`, { tenant: 'leaves' })
  expect([waited.status, left.status]).toEqual(['ok', 'ok'])
  // The same work takes the same CPU time, give or take what a busy machine makes of it.
  expect(left.cpu).toBeGreaterThan(waited.cpu / 4)
  expect(left.wall).toBeGreaterThan(waited.cpu / 4)
  // No code of a run that is over runs again.
  expect(left.logs).toEqual([])
  const next = await cells.run('return 1', { tenant: 'leaves' })
  expect(next.cpu).toBeLessThan(waited.cpu / 4)
})

test('a run that is over is told at its deadline at the latest, whatever native work goes on', async () => {
  const endless = DERIVE.replace('400_000', '4_000_000')
  const { status, wall } = await cells.run(`${endless}; return 1`, { tenant: 'endless', wallMs: 100 })
  expect(['ok', 'timeout']).toContain(status)
  expect(wall).toBeGreaterThanOrEqual(90_000)
  expect((await cells.run('return 2', { tenant: 'endless' })).status).toBe('ok')
})
