import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { listen } from '../../src/core/events.ts'
import { mebibytes } from '../../src/core/quantity.ts'
import { flagsKey, profileOf } from '../../src/pool/profile.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { type PoolHarness, openPool } from './harness.ts'

const hasProc = existsSync('/proc/self/cmdline')
const [STRICT, DEFAULT, GENEROUS] = ['strict', 'default', 'generous'].map((name) =>
  profileOf(loadPolicies([]).resolve(name)),
)
/** What a guest sees of its engine. */
const LOOK = `const ends = (action) => { try { return String(action()) } catch (error) { return error.name } }
  const from = Date.now(); for (let n = 0; n < 2e7; n++); const passed = Date.now() - from > 0
  return { wasm: typeof WebAssembly, shared: typeof SharedArrayBuffer, temporal: typeof Temporal, code: ends(() => (0, eval)('1 + 1')), made: ends(() => new Function('return 2')()), passed }`
const STRICT_LOOK = {
  wasm: 'undefined',
  shared: 'undefined',
  temporal: 'undefined',
  code: 'EvalError',
  made: 'EvalError',
  passed: false,
}
const DEFAULT_LOOK = { wasm: 'object', shared: 'undefined', temporal: 'object', code: '2', made: '2', passed: false }

let cells: PoolHarness
beforeAll(async () => {
  cells = await openPool({ blankCells: 2 })
})
afterAll(() => cells[Symbol.asyncDispose]())

const cellsOf = (pool: PoolHarness, tenant: string) => pool.pool.cells().filter((cell) => cell.tenant === tenant)
const blanksOf = (pool: PoolHarness, profile: unknown) =>
  pool.pool.cells().filter((cell) => cell.state === 'blank' && JSON.stringify(cell.profile) === JSON.stringify(profile))

describe('the engine of a tenant', () => {
  test.each([
    ['strict', STRICT, STRICT_LOOK],
    ['default', DEFAULT, DEFAULT_LOOK],
    ['generous', GENEROUS, { ...DEFAULT_LOOK, passed: true }],
  ])('under the policy "%s" is what it says, in a cell that was started for it', async (policy, profile, look) => {
    const tenant = `of-${policy}`
    // Every way of reuse, each more often than there are realms that are ready.
    for (const reuse of ['run', 'context', 'function'] as const) {
      for (const _ of [1, 2, 3]) expect(await cells.value(LOOK, { policy, tenant, reuse })).toEqual(look)
    }
    expect(cellsOf(cells, tenant).map((cell) => flagsKey(cell.profile))).toEqual([flagsKey(profile!)])
  })

  test.skipIf(!hasProc)('is made of flags of the process', async () => {
    const flagsOf = async (policy: string, engine = {}): Promise<string> => {
      const tenant = `flags-${policy}-${Object.keys(engine).join('')}`.toLowerCase()
      await cells.run('return 1', { policy, tenant, engine })
      return readFileSync(`/proc/${cellsOf(cells, tenant)[0]?.pid}/cmdline`, 'latin1')
    }
    expect(await flagsOf('strict')).toMatch(/--enable-sharedarraybuffer-per-context.*--jitless/)
    expect(await flagsOf('default')).not.toContain('--jitless')
    expect(await flagsOf('default', { sharedMemory: true })).not.toContain('sharedarraybuffer')
  })

  test('without JIT but with all the rest works', async () => {
    const options = { tenant: 'odd', engine: { jit: false, wasm: false, sharedMemory: true } } as const
    const look = { ...DEFAULT_LOOK, wasm: 'undefined', shared: 'function' }
    expect(await cells.value(LOOK, options)).toEqual(look)
  })

  test('that is changed in the policy takes effect with the next run: it has a cell of the new profile', async () => {
    const tenant = 'mover'
    expect(await cells.value(LOOK, { tenant })).toEqual(DEFAULT_LOOK)
    const [before] = cellsOf(cells, tenant)
    expect(await cells.value(LOOK, { tenant, policy: 'strict' })).toEqual(STRICT_LOOK)
    await vi.waitFor(() => expect(cellsOf(cells, tenant).map(({ pid }) => pid)).not.toContain(before?.pid))
    expect(cellsOf(cells, tenant).map(({ profile }) => profile)).toEqual([STRICT])
    expect(await cells.value(LOOK, { tenant })).toEqual(DEFAULT_LOOK)
  })
})

describe('a heap limit that is nobody else’s', () => {
  /** Holds so many MiB of numbers. */
  const hold = (mib: number): string =>
    `const held = []; for (let n = 0; n < ${mib}; n++) held.push(new Array(131072).fill(n + 0.5)); return held.length`

  test('is exact, although the cell was made for another', async () => {
    const large = { tenant: 'large', limits: { memory: mebibytes(333) } }
    expect(await cells.value(hold(220), large)).toBe(220)
    // Its cell is one of those that are kept for the default policy, whose isolates hold less.
    expect(cellsOf(cells, 'large')[0]?.profile).toEqual(DEFAULT)
    expect((await cells.run(hold(220), { tenant: 'usual' })).status).toBe('memory-exceeded')
    const small = { tenant: 'small', limits: { memory: mebibytes(16) } }
    expect((await cells.run(hold(60), small)).status).toBe('memory-exceeded')
    expect(await cells.value('return 1', small)).toBe(1)
  })
})

describe('blank cells', () => {
  test('of a profile that was asked for are kept for the next tenant, who waits for no start', async () => {
    await using own = await openPool({ blankCells: 1 })
    expect(blanksOf(own, STRICT)).toEqual([])
    await own.run('return 1', { policy: 'strict', tenant: 'first' })
    await vi.waitFor(() => expect(blanksOf(own, STRICT)).toHaveLength(1), { timeout: 60_000 })
    const [kept] = blanksOf(own, STRICT)
    const leases: unknown[] = []
    using stack = new DisposableStack()
    stack.defer(listen('cell.leased', ({ pid, tenant, blank }) => leases.push([pid, tenant, blank])))
    await own.run('return 1', { policy: 'strict', tenant: 'second' })
    expect(leases).toEqual([[kept?.pid, 'second', true]])
    // Those of the default policy are there as ever.
    await vi.waitFor(() => expect(own.pool.blankReady).toBe(1), { timeout: 60_000 })
    await own.run('return 1', { tenant: 'third' })
    expect(cellsOf(own, 'third')[0]?.profile).toEqual(DEFAULT)
  })

  test('that differ in their heap limit alone are kept from the second tenant on', async () => {
    await using own = await openPool({ blankCells: 1 })
    for (const tenant of ['first', 'second']) await own.run('return 1', { policy: 'generous', tenant })
    expect(cellsOf(own, 'first')[0]?.profile).toEqual(DEFAULT)
    await vi.waitFor(() => expect(blanksOf(own, GENEROUS)).toHaveLength(1), { timeout: 60_000 })
    const [kept] = blanksOf(own, GENEROUS)
    await own.run('return 1', { policy: 'generous', tenant: 'third' })
    expect(cellsOf(own, 'third')[0]?.pid).toBe(kept?.pid)
  })

  test('of other profiles give way when the host has as many cells as it may have', async () => {
    await using small = await openPool({ blankCells: 2, cellsMax: 2 })
    const most = { cells: 0 }
    using stack = new DisposableStack()
    stack.defer(listen('cell.spawned', () => (most.cells = Math.max(most.cells, small.pool.cells().length))))
    for (const policy of ['strict', 'default', 'strict', 'generous']) {
      const look = (await small.value(LOOK, { policy, tenant: `t-${policy}` })) as { code: string }
      expect(look.code).toBe(policy === 'strict' ? 'EvalError' : '2')
    }
    expect(most.cells).toBeLessThanOrEqual(2)
  })

  test('that were starting when somebody came who cannot use them give way as soon as they can', async () => {
    await using small = await openPool({ blankCells: 1, cellsMax: 2 })
    const abort = new AbortController()
    const busy = small.run('await new Promise((resolve) => setTimeout(resolve, 1e8))', { signal: abort.signal })
    await vi.waitFor(() => expect(small.pool.cells().map(({ state }) => state)).toContain('starting'))
    expect(await small.value(LOOK, { policy: 'strict', tenant: 'late' })).toEqual(STRICT_LOOK)
    abort.abort()
    expect((await busy).status).toBe('cancelled')
  })

  test('are not needed: where none are kept every tenant gets a cell of its own profile', async () => {
    await using none = await openPool({ blankCells: 0 })
    for (const [policy, look] of [
      ['strict', STRICT_LOOK],
      ['default', DEFAULT_LOOK],
    ] as const) {
      expect(await none.value(LOOK, { policy, tenant: policy })).toEqual(look)
    }
    await vi.waitFor(() => expect(blanksOf(none, STRICT)).toEqual([]))
  })

  test('many tenants of several profiles at once are all served, each by cells of its own profile', async () => {
    await using busy = await openPool({ blankCells: 2 })
    const tenants = Array.from({ length: 9 }, (_, n) => ({
      policy: ['strict', 'default', 'generous'][n % 3]!,
      tenant: `n${n}`,
    }))
    const looks = await Promise.all(tenants.map((each) => busy.value(LOOK, each)))
    const expected = { strict: STRICT_LOOK, default: DEFAULT_LOOK, generous: { ...DEFAULT_LOOK, passed: true } }
    expect(looks).toEqual(tenants.map(({ policy }) => expected[policy as keyof typeof expected]))
  })
})
