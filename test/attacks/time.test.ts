import { afterAll, beforeAll, expect, test } from 'vitest'
import { millis } from '../../src/core/quantity.ts'
import { type PoolHarness, openPool } from '../pool/harness.ts'

/** Attacks on the wall and CPU limits: SECURITY.md, A-01 to A-19. Each must end as `timeout` at its limit, and soon after it. */
const ATTACKS: readonly (readonly [name: string, code: string])[] = [
  ['A-01 a loop', 'for (;;);'],
  ['A-02 a loop after an await', 'await null; for (;;);'],
  ['A-03 a loop in a timer', 'await new Promise((r) => setTimeout(r, 1)); for (;;);'],
  ['A-04 endless microtasks', 'const f = () => Promise.resolve().then(f); await f()'],
  ['A-05 a loop in finally', 'try { for (;;); } finally { for (;;); }'],
  ['A-06 a timer that is renewed for ever', 'await new Promise(() => setInterval(() => {}, 1))'],
  ['A-07 a getter that loops while the result is read', 'return { get x() { for (;;); } }'],
  ['A-08 a toJSON that loops', 'return { toJSON() { for (;;); } }'],
  ['A-09 a thrown proxy that loops when it is read', 'throw new Proxy({}, { get() { for (;;); } })'],
  [
    'A-10 a rejected proxy that hangs whoever reads it',
    'Promise.reject(new Proxy({}, { get() { for (;;); } })); return 1',
  ],
  ['A-11 a built-in that never polls', 'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)'],
  ['A-12 a loop of built-ins that poll rarely', 'const s = "é".repeat(1e6); for (;;) s.normalize("NFKD")'],
  ['A-13 a regular expression that backtracks', '/^(a+)+$/.test("a".repeat(40) + "!")'],
  ['A-14 BigInt squaring', 'let a = 3n ** 100000n; for (;;) a *= a'],
  ['A-15 a loop while the module is evaluated', 'for (;;); export default () => 1'],
  ['A-16 a thenable that loops', 'return { then() { for (;;); } }'],
  [
    'A-17 a loop in Error.prepareStackTrace',
    'Error.prepareStackTrace = () => { for (;;); }; throw new Error("x").stack',
  ],
]
const LIMIT_MS = 150

let cells: PoolHarness
beforeAll(async () => {
  cells = await openPool({ blankCells: 2 })
})
afterAll(() => cells[Symbol.asyncDispose]())

test.each(ATTACKS)('%s ends at the wall limit and the tenant’s next run works', async (_, code) => {
  const { status, wall } = await cells.run(code, { wallMs: LIMIT_MS })
  expect(['timeout', 'memory-exceeded']).toContain(status)
  if (status === 'timeout') expect(wall).toBeGreaterThanOrEqual((LIMIT_MS - 1) * 1_000)
  expect(await cells.value('return 1')).toBe(1)
})

test('A-18 CPU time by the kernel ends a run, however its work is spread over entries', async () => {
  const code = `for (;;) { for (let n = 0; n < 1e7; n++); await new Promise((r) => setTimeout(r, 1)) }`
  const { status, cpu, killReason } = await cells.run(code, { limits: { cpu: millis(200) } })
  expect({ status, killReason }).toEqual({ status: 'cpu-exceeded', killReason: 'cpu' })
  expect(cpu).toBeGreaterThanOrEqual(180_000)
})

test('A-19 what a guest leaves running after its answer ends with the run', async () => {
  const options = { reuse: 'function', tenant: 'left-over' } as const
  const code =
    'setInterval(() => { globalThis.ticks = (globalThis.ticks ?? 0) + 1 }, 1); const seen = globalThis.ticks ?? 0; return seen'
  await cells.run(code, options)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await cells.value(code, options)).toBe(0)
})
