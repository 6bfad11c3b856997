import { afterAll, beforeAll, expect, test } from 'vitest'
import { listen } from '../../src/core/events.ts'
import { type PoolHarness, openPool } from '../pool/harness.ts'

/** Attacks on the memory limit by every allocator: SECURITY.md, A-20 to A-29. Each must end as `memory-exceeded`. */
const ATTACKS: readonly (readonly [name: string, code: string])[] = [
  ['A-20 objects', 'const a = []; for (;;) a.push({ x: [1, 2, 3] })'],
  ['A-21 arrays that V8 never gives up on', 'const a = []; for (;;) a.push(new Array(1000).fill(1))'],
  [
    'A-22 a resizable ArrayBuffer',
    'const b = new ArrayBuffer(0, { maxByteLength: 1e9 }); b.resize(1e9); new Uint8Array(b).fill(1); return 1',
  ],
  [
    'A-23 WebAssembly memory',
    'const m = new WebAssembly.Memory({ initial: 16000 }); new Uint8Array(m.buffer).fill(1); return 1',
  ],
  ['A-24 an allocation that V8 aborts on', 'return "x".padStart(5e8).split("").length'],
  ['A-25 strings', 'let s = "x"; const a = []; for (;;) a.push((s += "y".repeat(1e6)).toUpperCase())'],
  ['A-26 a thrown error of half a gigabyte', 'throw new Error("x".repeat(5e8).toUpperCase())'],
  ['A-27 many Intl objects', 'const a = []; for (;;) a.push(new Intl.DateTimeFormat("en"))'],
]
/**
 * 128 MiB of the policy, 48 MiB of slack, and what can be touched between two looks of the watchdog: 10 to 20 MB were seen on a quiet
 * machine. Without a watchdog these programs reach 2 GB, so the bound tells the two apart on a slow machine, too.
 */
const PEAK_MAX_BYTES = 1_024 * 2 ** 20

let cells: PoolHarness
beforeAll(async () => {
  cells = await openPool({ blankCells: 2 })
})
afterAll(() => cells[Symbol.asyncDispose]())

test.each(ATTACKS)('%s over limits.memoryMb end as memory-exceeded, below a fixed peak', async (_, code) => {
  const { status, peakMemory, error } = await cells.run(code)
  expect([status, error?.message]).toEqual(['memory-exceeded', expect.any(String)])
  expect(peakMemory).toBeLessThan(PEAK_MAX_BYTES)
  expect(await cells.value('return 1')).toBe(1)
})

test('A-28 a tenant that kills its cells does not touch another tenant’s', async () => {
  await cells.run('return 1', { tenant: 'quiet' })
  const deaths: (string | undefined)[] = []
  using stack = new DisposableStack()
  stack.defer(listen('cell.retired', ({ tenant }) => deaths.push(tenant)))
  for (const _ of [1, 2, 3]) await cells.run('return "x".padStart(5e8).split("").length', { tenant: 'loud' })
  expect(await cells.value('return 2', { tenant: 'quiet' })).toBe(2)
  expect(deaths).not.toContain('quiet')
})
