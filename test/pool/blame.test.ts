import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Capability } from '../../src/broker/capability.ts'
import { listen } from '../../src/core/events.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { mebibytes, millis } from '../../src/core/quantity.ts'
import { type PoolHarness, type RunOptions, openPool } from './harness.ts'

/** Keys that were asked for, and how often. The first to ask waits until its cell has died; who asks again is answered. */
const asked = new Map<string, number>()
const gate = async (_tenant: unknown, _grant: unknown, args: readonly unknown[]): Promise<string> => {
  const key = String(args[0])
  asked.set(key, (asked.get(key) ?? 0) + 1)
  return asked.get(key) === 1 ? new Promise(() => {}) : '"through"'
}
const kv: Capability = {
  name: 'kv',
  operations: new Map([
    ['get', { effect: 'none', run: gate }],
    ['put', { effect: 'lasting', run: gate }],
  ]),
  argumentsMax: () => 1_000,
}
const grants = loadPolicies([]).resolve('default').capabilities
const WAITS_AT = (key: string) => `return await context.kv.get(${JSON.stringify(key)})`
const CHANGES = (key: string) => `await context.kv.put(${JSON.stringify(key)}, 1); return 'changed'`
const hasAsked = (key: string) => vi.waitFor(() => expect(asked.get(key)).toBe(1), { timeout: 30_000 })

const OUTLASTS_ITS_TIMEOUT = 'Promise.reject(new Proxy({}, { get() { for (;;); } })); return 1'
const FILLS_MEMORY =
  'const b = new ArrayBuffer(0, { maxByteLength: 1e9 }); for (let n = 1e7; n < 1e9; n += 1e7) { b.resize(n); new Uint8Array(b).fill(1) }'
const ABORTS_V8 = 'return "x".padStart(5e8).split("").length'

interface Kind {
  readonly name: string
  readonly code: string
  readonly options: RunOptions
  readonly status: string
  readonly reasons: readonly string[]
}
const roomy = { memory: mebibytes(512) }
const KINDS: readonly Kind[] = [
  { name: 'deadline', code: OUTLASTS_ITS_TIMEOUT, options: { wallMs: 300 }, status: 'timeout', reasons: ['deadline'] },
  {
    name: 'cpu',
    code: 'for (;;);',
    options: { limits: { cpu: millis(100) } },
    status: 'cpu-exceeded',
    reasons: ['cpu'],
  },
  { name: 'memory', code: FILLS_MEMORY, options: {}, status: 'memory-exceeded', reasons: ['memory'] },
  {
    name: 'V8’s own abort',
    code: ABORTS_V8,
    options: { limits: roomy },
    status: 'memory-exceeded',
    reasons: ['out-of-memory', 'memory'],
  },
]

let cells: PoolHarness
beforeAll(async () => {
  cells = await openPool({ blankCells: 2, capabilities: [kv] })
})
afterAll(() => cells[Symbol.asyncDispose]())

/** Reasons of the deaths of a tenant's cells from now on, each with the number of runs that the cell had. */
function deathsOf(name: string): { reasons: string[]; [Symbol.dispose](): void } {
  const reasons: string[] = []
  const stop = listen('cell.retired', ({ tenant, reason }) => tenant === name && reasons.push(reason))
  return { reasons, [Symbol.dispose]: stop }
}

describe.each(KINDS)('when a run brings its cell down by $name', ({ name, code, options, status, reasons }) => {
  const tenant = `t-${name.replaceAll(/\W/g, '-').toLowerCase()}`
  const shared = { ...options, tenant, grants, instance: { maxCells: 1 } }

  test('it is the one that is blamed; a neighbour is run again unseen and pays for its last try only', async () => {
    using deaths = deathsOf(tenant)
    const { wallMs: _, ...patient } = shared
    const innocent = cells.execute(WAITS_AT(tenant), patient)
    await hasAsked(tenant)
    const culprit = cells.execute(code, shared)
    expect((await culprit).status).toBe(status)
    const { status: ended, result, usage } = await innocent
    expect([ended, String(result)]).toEqual(['ok', '"through"'])
    expect(usage.operations).toEqual({ 'kv.get': 1 })
    expect(asked.get(tenant)).toBe(2)
    expect(cells.posted.filter((each) => each.tenant === tenant).map(({ report }) => report.status)).toEqual([
      status,
      'ok',
    ])
    expect(deaths.reasons).toHaveLength(1)
    expect(reasons).toContain(deaths.reasons[0])
  })

  test('a neighbour that has changed something is not run again, and ends as crashed', async () => {
    const key = `${tenant}-changed`
    const { wallMs: _, ...patient } = shared
    const neighbour = cells.execute(CHANGES(key), patient)
    await hasAsked(key)
    const culprit = cells.execute(code, shared)
    expect((await culprit).status).toBe(status)
    expect(await neighbour).toMatchObject({ status: 'crashed', usage: { operations: { 'kv.put': 1 } } })
    expect(asked.get(key)).toBe(1)
  })
})

/** CPU time of a process; where the kernel does not tell, time. */
function cpuMsOf(pid: number): number {
  if (process.platform !== 'linux') return performance.now()
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
}

test('when a cell crashes, the run that it was in is blamed and its neighbour is run again', async () => {
  const options = { tenant: 'crasher', grants, instance: { maxCells: 1 } }
  const innocent = cells.execute(WAITS_AT('crasher'), options)
  await hasAsked('crasher')
  const culprit = cells.execute('for (;;);', options)
  const busy = () => cells.pool.cells().find(({ tenant, runs }) => tenant === 'crasher' && runs === 2)
  await vi.waitFor(() => expect(busy()).toBeDefined())
  // The cell has told whose code it is in before it computes, and what it told has been read before the next look.
  const pid = busy()?.pid ?? 0
  const before = cpuMsOf(pid)
  await vi.waitFor(() => expect(cpuMsOf(pid)).toBeGreaterThan(before + 100), 60_000)
  await new Promise((resolve) => setTimeout(resolve, 100))
  process.kill(pid, 'SIGSEGV')
  expect(await culprit).toMatchObject({ status: 'crashed' })
  expect((await innocent).status).toBe('ok')
})

test('when a cell breaks the protocol, the run that it says it is in is blamed and its neighbour is run again', async () => {
  await using rogue = await openPool({
    program: (program, directory) => {
      const file = join(directory, 'rogue-cell.cjs')
      cpSync(fileURLToPath(new URL('../attacks/rogue-cell.cjs', import.meta.url)), file)
      return { ...program, file }
    },
  })
  const options = { tenant: 'rogue', instance: { maxCells: 1 } }
  const innocent = rogue.execute('', { ...options, input: 'an await' })
  innocent.catch(() => {})
  await vi.waitFor(() => expect(rogue.pool.cells().some(({ runs }) => runs === 1)).toBe(true))
  expect((await rogue.execute('', { ...options, input: 'garbage from a run' })).status).toBe('crashed')
  expect(rogue.posted.map(({ report }) => [report.killReason, report.bystander])).toEqual([['protocol', undefined]])
})

describe('CPU time', () => {
  const options = { instance: { maxCells: 1 }, limits: { cpu: millis(40) } }

  test('that a run’s neighbours use does not end the run, nor those that come while it waits', async () => {
    const tenant = 'patient'
    const own = { ...options, tenant, grants, engine: { clock: 'live' } } as const
    using deaths = deathsOf(tenant)
    const waiting = cells.execute(`${WAITS_AT(tenant)} // ${tenant}`, own)
    await hasAsked(tenant)
    const busy = 'const until = Date.now() + 15; while (Date.now() < until); return 1'
    const ends = []
    // Far more together than the limit of all of them, and none more than half of its own.
    for (let count = 0; count < 40; count += 1) ends.push((await cells.execute(busy, own)).status)
    expect([...new Set(ends), ...deaths.reasons]).toEqual(['ok'])
    await cells.execute('for (;;);', own)
    expect((await waiting).status).toBe('ok')
  })

  test('of one run that hangs is not blamed on quick runs of the same code that the cell took before it', async () => {
    const code = 'if (input) for (;;); return 1'
    for (let round = 0; round < 4; round += 1) {
      // A tenant of its own: the cells of one that was unruly announce everything.
      const shared = { ...options, tenant: `alike-${round}` }
      // The cell has come to know the code as quick, so that it does not announce it any more.
      for (let count = 0; count < 4; count += 1) await cells.execute(code, { ...shared, input: 0 })
      const inputs = [0, 0, 1, 0, 0, 0]
      const outcomes = await Promise.all(inputs.map((input) => cells.execute(code, { ...shared, input })))
      expect(outcomes.map(({ status }) => status)).toEqual(inputs.map((input) => (input ? 'cpu-exceeded' : 'ok')))
    }
  })

  test('of a run that hangs is not blamed on the one before it, whose beginning was announced and whose end was not', async () => {
    const code = 'if (input) for (;;); return 1'
    for (let round = 0; round < 4; round += 1) {
      const shared = { ...options, tenant: `stale-${round}` }
      for (let count = 0; count < 4; count += 1) await cells.execute(code, { ...shared, input: 0 })
      const before = cells.execute(`return "new to the cell ${round}"`, shared)
      const [first, second] = await Promise.all([before, cells.execute(code, { ...shared, input: 1 })])
      expect([first.status, second.status]).toEqual(['ok', 'cpu-exceeded'])
    }
  })
})
