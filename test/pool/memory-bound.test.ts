import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mebibytes } from '../../src/core/quantity.ts'
import { LEVELS_HERE, type PoolHarness, openPool } from './harness.ts'

/** What a process without JIT has of writable memory before its first run: some 65 MB, on any machine. */
const WITHOUT_RUNS_MAX = 128 * 2 ** 20
const LIMIT_MB = 64
/** Where the kernel lets the host set limits of a cell that has another user. */
const maySetLimits = (level: string): boolean => {
  const [, effective = '0'] = /CapEff:\s+([0-9a-f]+)/.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
  return level === 'A' || process.getuid?.() !== 0 || (BigInt(`0x${effective}`) & (1n << 24n)) !== 0n
}
const levels = LEVELS_HERE.filter((level) => level !== 'C' && maySetLimits(level))

describe.skipIf(levels.length === 0)('a cell without JIT, whose memory the kernel bounds too', () => {
  let cells: PoolHarness
  beforeAll(async () => {
    // No watchdog in time: what holds is the kernel's own bound.
    cells = await openPool({ blankCells: 1, walls: levels[0]!, watchdogMs: 60_000 })
  })
  afterAll(() => cells?.[Symbol.asyncDispose]())
  const options = { tenant: 'bounded', engine: { jit: false, wasm: false }, limits: { memory: mebibytes(LIMIT_MB) } }

  test('may write to no more than its runs may use', async () => {
    await cells.run('return 1', options)
    const cell = cells.pool.cells().find(({ tenant }) => tenant === 'bounded')
    const [, bytes] = /Max data size\s+(\d+)/.exec(readFileSync(`/proc/${cell?.pid}/limits`, 'latin1')) ?? []
    expect(Number(bytes)).toBeLessThan(WITHOUT_RUNS_MAX + (LIMIT_MB + 64) * 2 ** 20)
    expect(Number(bytes)).toBeGreaterThan(LIMIT_MB * 2 ** 20)
  })

  test.each([
    [
      'a resizable ArrayBuffer',
      'const b = new ArrayBuffer(0, { maxByteLength: 1e9 }); b.resize(1e9); new Uint8Array(b).fill(1); return 1',
    ],
    ['an array that V8 aborts on', 'return "x".padStart(5e8).split("").length'],
    ['a thrown error of half a gigabyte', 'throw new Error("x".repeat(5e8).toUpperCase())'],
  ])('ends %s as memory-exceeded without a watchdog', async (_, code) => {
    const { status, error } = await cells.run(code, options)
    expect([status, error?.message]).toEqual(['memory-exceeded', expect.any(String)])
    expect(await cells.value('return 2', options)).toBe(2)
  })
})
