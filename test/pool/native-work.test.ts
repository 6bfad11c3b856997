import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PoolHarness, openPool } from './harness.ts'

let cells: PoolHarness
beforeAll(async () => {
  // The host is in no hurry to kill: what ends in time here has ended itself.
  cells = await openPool({ blankCells: 1, killGraceMs: 60_000 })
})
afterAll(() => cells[Symbol.asyncDispose]())

const READY = `
  const password = await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits'])
  const derive = (iterations) =>
    crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: new Uint8Array(8), iterations }, password, 256)`
/** Some hundred milliseconds of the cell's thread pool. */
const SOME = 2_000_000
/** As long as one operation can be. */
const MOST = 4_000_000
/** Work that has not begun when its run ends never begins. */
const BEGUN = 'await new Promise((turn) => setTimeout(turn, 5))'

test('native work that the guest does not wait for is charged to its run, and the cell is clean afterwards', async () => {
  const options = { tenant: 'leaves' }
  await cells.run(`${READY}; return 1`, options)
  const idle = await cells.run(`${READY}; return 1`, options)
  const waited = await cells.run(`${READY}; await derive(${SOME}); return 1`, options)
  const left = await cells.run(
    `${READY}; derive(${SOME}).then(() => console.log('too late')); ${BEGUN}; return 1`,
    options,
  )
  expect([idle.status, waited.status, left.status]).toEqual(['ok', 'ok', 'ok'])
  // The same work takes the same CPU time, give or take what a busy machine makes of it.
  const work = waited.cpu - idle.cpu
  expect(left.cpu - idle.cpu).toBeGreaterThan(work / 2)
  expect(left.wall - idle.wall).toBeGreaterThan(work / 4)
  // No code of a run that is over runs again.
  expect(left.logs).toEqual([])
  const next = await cells.run(`${READY}; return 1`, options)
  expect(next.cpu - idle.cpu).toBeLessThan(work / 2)
})

test('a run that is over is told at its deadline at the latest, whatever native work goes on', async () => {
  const options = { tenant: 'endless' }
  const whole = await cells.run(`${READY}; await derive(${MOST}); return 1`, options)
  expect(whole.status).toBe('ok')
  const code = `${READY}; derive(${MOST}); ${BEGUN}; return 1`
  const { status, wall } = await cells.run(code, { ...options, wallMs: 50 })
  expect(['ok', 'timeout']).toContain(status)
  expect(wall).toBeLessThan(whole.wall / 2)
  expect((await cells.run('return 2', options)).status).toBe('ok')
})
