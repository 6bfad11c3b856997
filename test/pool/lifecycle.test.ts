import { type ChildProcess, fork } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { listen } from '../../src/core/events.ts'
import { millis } from '../../src/core/quantity.ts'
import { LEVELS_HERE, type PoolHarness, openPool } from './harness.ts'

const hasProc = existsSync('/proc/self/environ')
let cells: PoolHarness
beforeAll(async () => {
  cells = await openPool({ blankCells: 2 })
})
afterAll(() => cells[Symbol.asyncDispose]())

const cellsOf = (tenant: string) => cells.pool.cells().filter((cell) => cell.tenant === tenant)

describe('who shares what', () => {
  test('two tenants never share a process, one tenant’s runs do', async () => {
    for (const tenant of ['one', 'two', 'one', 'two']) await cells.run('return 1', { tenant })
    const pids = [...cellsOf('one'), ...cellsOf('two')].map(({ pid }) => pid)
    expect(pids).toHaveLength(2)
    expect(new Set(pids).size).toBe(2)
  })

  test('reuse "function" keeps globals between runs of the same code only', async () => {
    const count = 'globalThis.n = (globalThis.n ?? 0) + 1; return n'
    const tenant = 'keeper'
    expect(await cells.value(count, { reuse: 'function', tenant })).toBe(1)
    expect(await cells.value(count, { reuse: 'function', tenant })).toBe(2)
    expect(await cells.value(`${count} // other code`, { reuse: 'function', tenant })).toBe(1)
  })

  test.each(['context', 'run'] as const)(
    'reuse "%s" gives every run fresh globals and fresh built-ins',
    async (reuse) => {
      const code = 'const seen = [globalThis.left, [].left]; globalThis.left = 1; Array.prototype.left = 1; return seen'
      for (const _ of [1, 2, 3]) expect(await cells.value(code, { reuse, tenant: 'fresh' })).toEqual([null, null])
    },
  )

  test('an isolate that has served its number of runs is replaced', async () => {
    const code = 'globalThis.n = (globalThis.n ?? 0) + 1; return n'
    const options = { reuse: 'function', tenant: 'retired', instance: { runsMax: 2 } } as const
    const seen = []
    for (const _ of [1, 2, 3, 4]) seen.push(await cells.value(code, options))
    expect(seen).toEqual([1, 2, 1, 2])
  })
})

describe('a cell’s process', () => {
  test.skipIf(!hasProc)('has an environment without anything of the host’s', async () => {
    vi.stubEnv('CLOISTER_TEST_SECRET', 'must-not-travel')
    await cells.run('return 1', { tenant: 'bare' })
    const [cell] = cellsOf('bare')
    await cells.run('return 1', { tenant: 'bare-again' })
    for (const { pid, state } of cells.pool.cells()) {
      // Until it has become Node, what was started is a copy of the host.
      if (state === 'starting') continue
      // Processes that are not dumpable hide even their environment; root may still look.
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1')
      expect(environment).toBe('UV_THREADPOOL_SIZE=1\0TZ=UTC\0')
    }
    expect(cell).toBeDefined()
  })

  test.skipIf(!hasProc)('may gain no privileges', () => {
    for (const { pid, state } of cells.pool.cells()) {
      if (state === 'starting') continue
      expect(readFileSync(`/proc/${pid}/status`, 'latin1')).toMatch(/NoNewPrivs:\s+1/)
    }
  })

  test.skipIf(process.platform !== 'linux')(
    'may dump no core, write no file and open next to nothing, for good',
    () => {
      const ready = cells.pool.cells().filter(({ state }) => state !== 'starting')
      expect(ready.length).toBeGreaterThan(0)
      for (const { pid } of ready) {
        const limits = readFileSync(`/proc/${pid}/limits`, 'latin1')
        // Soft and hard.
        expect(limits).toMatch(/^Max core file size +0 +0 /m)
        expect(limits).toMatch(/^Max file size +0 +0 /m)
        expect(limits).toMatch(/^Max open files +64 +64 /m)
        expect(limits).toMatch(/^Max locked memory +0 +0 /m)
      }
    },
  )

  test('that is idle for the policy’s time is ended', async () => {
    const retired = Promise.withResolvers<string>()
    using stack = new DisposableStack()
    stack.defer(listen('cell.retired', ({ tenant, reason }) => tenant === 'idler' && retired.resolve(reason)))
    await cells.run('return 1', { tenant: 'idler', instance: { idle: millis(10) } })
    expect(await retired.promise).toBe('idle')
    expect(cellsOf('idler')).toEqual([])
  })

  test('under a policy that has changed is replaced', async () => {
    await cells.run('return 1', { tenant: 'changer' })
    const [before] = cellsOf('changer')
    await cells.run('return 1', { tenant: 'changer', limits: { logLines: 5 } })
    await vi.waitFor(() => expect(cellsOf('changer').map(({ pid }) => pid)).not.toContain(before?.pid))
    expect(cellsOf('changer')).toHaveLength(1)
  })
})

describe('more runs than one', () => {
  test('runs do not wait behind a long one, not even those that were sent to its cell before it was known to be long', async () => {
    const abort = new AbortController()
    const tenant = 'grower'
    await cells.run('return 0', { tenant })
    const hog = cells.run('for (;;);', { tenant, signal: abort.signal })
    const quick = [1, 2, 3].map((n) => cells.value(`return ${n}`, { tenant }))
    expect(await Promise.all(quick)).toEqual([1, 2, 3])
    expect(await cells.value('return 4', { tenant })).toBe(4)
    expect(cellsOf(tenant).length).toBeGreaterThan(1)
    abort.abort()
    expect((await hog).status).toBe('cancelled')
  })

  test('a run that is cancelled while it waits behind another is never started', async () => {
    const options = { tenant: 'early', instance: { maxCells: 1 }, engine: { clock: 'live' } } as const
    await cells.run('return 0', options)
    const abort = new AbortController()
    const busy = cells.run('const until = Date.now() + 200; while (Date.now() < until); return 1', options)
    const waiting = cells.run('return 2', { ...options, signal: abort.signal })
    await vi.waitFor(() => expect(cellsOf('early')[0]?.runs).toBe(2), { interval: 1 })
    abort.abort()
    expect((await waiting).status).toBe('cancelled')
    expect((await busy).status).toBe('ok')
  })

  test('a tenant has no more cells than its maxCells: the run waits, and is refused when its wait is over', async () => {
    const abort = new AbortController()
    const options = { tenant: 'bounded', instance: { maxCells: 1 }, limits: { queueWait: millis(500) } }
    const hog = cells.run('for (;;);', { ...options, signal: abort.signal })
    await vi.waitFor(() => expect(cellsOf('bounded')[0]?.runs).toBe(1))
    // Long enough in the cell to be taken for what it is.
    await new Promise((resolve) => setTimeout(resolve, 50))
    await expect(cells.run('return 1', options)).rejects.toMatchObject({ code: 'OVERLOADED' })
    abort.abort()
    expect((await hog).status).toBe('cancelled')
    expect(cellsOf('bounded').length).toBeLessThanOrEqual(1)
  })

  test('runs that wait for something share one cell', async () => {
    const wait = 'await new Promise((resolve) => setTimeout(resolve, 50)); return 1'
    const options = { tenant: 'waiters', instance: { maxCells: 1 } }
    const reports = await Promise.all(Array.from({ length: 20 }, () => cells.run(wait, options)))
    expect(new Set(reports.map(({ status }) => status))).toEqual(new Set(['ok']))
    expect(cellsOf('waiters')).toHaveLength(1)
  })

  test('time that a run waits behind another in its cell is not its own', async () => {
    const slow = 'const until = Date.now() + 300; while (Date.now() < until); return 1'
    const options = { tenant: 'queueing', instance: { maxCells: 1 }, engine: { clock: 'live' } } as const
    await cells.run('return 0', options)
    const [first, second] = await Promise.all([cells.run(slow, options), cells.run('return 2', options)])
    expect(first?.wall).toBeGreaterThanOrEqual(299_000)
    expect(second?.wall).toBeLessThan(first?.wall ?? 0)
  })

  test('the run that kills its cell is named, the others are bystanders', async () => {
    const options = { tenant: 'crowd', instance: { maxCells: 1 } }
    const innocent = cells.run('await new Promise((resolve) => setTimeout(resolve, 60_000))', options)
    await vi.waitFor(() => expect(cellsOf('crowd')[0]?.runs).toBe(1))
    const culprit = cells.run('Promise.reject(new Proxy({}, { get() { for (;;); } }))', { ...options, wallMs: 200 })
    expect(await culprit).toMatchObject({ status: 'timeout', killReason: 'deadline' })
    expect(await innocent).toMatchObject({ status: 'crashed', bystander: true })
  })
})

describe('a host with as many cells as it may have', () => {
  test('ends the cell that has been idle longest, so that a new tenant is served', async () => {
    await using small = await openPool({ blankCells: 1, cellsMax: 2 })
    for (const tenant of ['a', 'b', 'c', 'd', 'a']) expect(await small.value('return 1', { tenant })).toBe(1)
    expect(small.pool.cells().length).toBeLessThanOrEqual(2)
  })

  test('refuses a run for which no cell comes, with nothing started', async () => {
    await using small = await openPool({ blankCells: 1, cellsMax: 1 })
    const busy = small.run('await new Promise((resolve) => setTimeout(resolve, 3_000)); return 1', { tenant: 'a' })
    const late = small.run('return 1', { tenant: 'b', limits: { queueWait: millis(100) } })
    await expect(late).rejects.toMatchObject({ code: 'OVERLOADED' })
    expect((await busy).status).toBe('ok')
  })
})

describe('the end of the host', () => {
  test.skipIf(process.platform !== 'linux').each(LEVELS_HERE)(
    'kill -9 of the host leaves no cell of level %s behind, not even one that loops',
    async (level) => {
      const host = fork(new URL('./doomed-host.ts', import.meta.url), [level], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      const pids = await firstMessage(host)
      expect(pids.length).toBeGreaterThan(1)
      for (const pid of pids) expect(isAlive(pid)).toBe(true)
      host.kill('SIGKILL')
      await once(host, 'exit')
      await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 30_000 })
    },
  )

  test('disposing a pool reaps every process', async () => {
    let pids: number[]
    {
      await using short = await openPool({ blankCells: 2 })
      await short.run('return 1')
      pids = short.pool.cells().map(({ pid }) => pid)
    }
    expect(pids.filter(isAlive)).toEqual([])
  })
})

async function firstMessage(child: ChildProcess): Promise<number[]> {
  const [pids] = (await once(child, 'message')) as [number[]]
  return pids
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A zombie that its new parent has not reaped yet is dead, too.
    return !hasProc || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}

test('one signal for many runs is listened to only while they run', async () => {
  const { signal } = new AbortController()
  for (const _ of [1, 2, 3]) await cells.run('return 1', { signal, tenant: 'listener' })
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('a pool that has been disposed refuses runs at once', async () => {
  const short = await openPool()
  await short.run('return 1')
  await short[Symbol.asyncDispose]()
  await expect(short.run('return 1')).rejects.toMatchObject({ code: 'DRAINING' })
})

test('a blank cell that dies just before its first run costs nobody anything: the run has another', async () => {
  await using own = await openPool({ blankCells: 1 })
  const [blank] = own.pool.cells()
  process.kill(blank?.pid ?? 0, 'SIGKILL')
  const report = await own.run('return 1', { tenant: 'unlucky' })
  expect(report.status === 'ok' || report.bystander === true).toBe(true)
})
