import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadPolicies } from '../../src/policy/load.ts'
import { type PoolHarness, openPool } from '../pool/harness.ts'

/** What a guest can do without end, with what it is given. */
const FLOODS: readonly (readonly [name: string, code: string, statuses: readonly string[]])[] = [
  ['log lines', 'for (;;) console.log("line")', ['timeout']],
  ['long log lines', 'const line = "x".repeat(60_000); for (;;) console.log(line)', ['timeout']],
  ['timers', 'for (;;) setTimeout(() => {}, 1e6)', ['error']],
  [
    'timers that start timers',
    'const f = () => setTimeout(f, 0); for (let n = 0; n < 900; n++) f(); await new Promise(() => {})',
    ['timeout'],
  ],
  ['promises', 'const f = () => Promise.resolve().then(f); f(); await new Promise(() => {})', ['timeout']],
  [
    'promises that pile up',
    'const kept = []; for (;;) kept.push(new Promise(() => {}))',
    ['timeout', 'memory-exceeded'],
  ],
  [
    'rejections',
    'const f = () => { Promise.reject(new Error("x")); setTimeout(f, 0) }; f(); await new Promise(() => {})',
    ['timeout'],
  ],
  [
    'nesting in its result',
    'let value = []; for (let n = 0; n < 1e6; n++) value = [value]; return value',
    // Whichever is met first: the depth that can be written, the run's time, or the size of what was written.
    ['error', 'timeout', 'output-exceeded'],
  ],
  ['promises to wait for', 'for (;;) context.waitUntil(new Promise(() => {}))', ['timeout', 'memory-exceeded']],
  ['a result over the bound', 'return "x".repeat(3e6)', ['output-exceeded']],
]

const LIMITS = loadPolicies([]).resolve('default').limits

let cells: PoolHarness
beforeAll(async () => {
  cells = await openPool({ blankCells: 2 })
})
afterAll(() => cells[Symbol.asyncDispose]())

test.each(FLOODS)(
  'A-916 a guest that makes %s without end ends at its own limit, and its neighbour is answered',
  async (_, code, statuses) => {
    let isOver = false
    const flood = cells.run(code, { tenant: 'flooder', wallMs: 1_500 }).finally(() => (isOver = true))
    let answers = 0
    do {
      expect(await cells.value('return 1', { tenant: 'neighbour' })).toBe(1)
      answers += 1
    } while (!isOver)
    const { status, logs, result } = await flood
    expect(statuses).toContain(status)
    expect(answers).toBeGreaterThan(0)
    // One line says that there were more.
    expect(logs.length).toBeLessThanOrEqual(LIMITS.logLines + 1)
    expect(logs.reduce((sum, { message }) => sum + Buffer.byteLength(message), 0)).toBeLessThanOrEqual(
      LIMITS.logs + 1_000,
    )
    expect(result).toBeUndefined()
  },
)
