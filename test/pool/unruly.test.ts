import { expect, test, vi } from 'vitest'
import { listen } from '../../src/core/events.ts'
import { type TenantId, parseTenantId } from '../../src/core/ids.ts'
import { epochMillis, millis } from '../../src/core/quantity.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { UnrulyTenants } from '../../src/pool/unruly.ts'
import { ticketOf } from '../scheduler/ticket.ts'
import { openPool } from './harness.ts'

const tenant = (text: string): TenantId => parseTenantId(text)!
const policy = loadPolicies([]).resolve('default')
const KILLERS = ['k-one', 'k-two', 'k-three', 'k-four']

test('a tenant is unruly for ten seconds after its last death, or until its name is forgotten', () => {
  let nowMs = 0
  const unruly = new UnrulyTenants({ now: () => epochMillis(0), elapsed: () => millis(nowMs) })
  unruly.add(tenant('ann'))
  nowMs = 9_000
  unruly.add(tenant('bob'))
  expect([unruly.has(tenant('ann')), unruly.has(tenant('eve'))]).toEqual([true, false])
  nowMs = 10_000
  expect([unruly.has(tenant('ann')), unruly.has(tenant('bob'))]).toEqual([false, true])
  unruly.forget(tenant('bob'))
  expect(unruly.has(tenant('bob'))).toBe(false)
})

test('those who wait are served in the order in which they came, but the unruly after all others', () => {
  const unruly = new UnrulyTenants({ now: () => epochMillis(0), elapsed: () => millis(0) })
  unruly.add(tenant('bad'))
  const waiters = new Set(['bad', 'ann', 'bad', 'bob'].map((name) => ({ ticket: ticketOf(name, policy) })))
  expect([...unruly.last(waiters)].map(({ ticket }) => ticket.request.tenant)).toEqual(['ann', 'bob', 'bad', 'bad'])
  unruly.forget(tenant('bad'))
})

test('while four tenants bring down cell after cell, every other tenant that comes finds a blank cell', async () => {
  const deaths = new Map<string, number>()
  await using cells = await openPool({
    blankCells: 2,
    onTenantDeath: (name) => deaths.set(name, (deaths.get(name) ?? 0) + 1),
  })
  let over = false
  const killers = KILLERS.map(async (name) => {
    while (!over) await cells.run('for (;;);', { tenant: name, limits: { cpu: millis(1) } })
  })
  const allHaveKilled = (count: number) => KILLERS.every((name) => (deaths.get(name) ?? 0) >= count)
  await vi.waitFor(() => expect(allHaveKilled(1)).toBe(true), { timeout: 60_000 })
  const found: boolean[] = []
  using stack = new DisposableStack()
  stack.defer(listen('cell.leased', (event) => !KILLERS.includes(event.tenant) && found.push(event.blank)))
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    // The one before has taken it: its successor is started whoever else waits.
    await vi.waitFor(() => expect(cells.pool.blankReady).toBeGreaterThan(0), { timeout: 60_000, interval: 10 })
    expect(await cells.value('return 1', { tenant: name })).toBe(1)
  }
  expect(found).toEqual([true, true, true, true, true])
  // Nor are those who kill starved: each of them goes on being served.
  const soFar = Math.max(...deaths.values())
  await vi.waitFor(() => expect(allHaveKilled(soFar + 1)).toBe(true), { timeout: 60_000 })
  over = true
  await Promise.all(killers)
})

test('a host that can start no other cell gives its last one to whoever waits', async () => {
  await using small = await openPool({ blankCells: 1, cellsMax: 1 })
  for (const _ of [1, 2, 3]) {
    const { killReason } = await small.run('for (;;);', { tenant: 'killer', limits: { cpu: millis(1) } })
    expect(killReason).toBe('cpu')
  }
})

test('the pool tells of each cell that a tenant’s code has brought down, and of no other', async () => {
  const told: string[] = []
  {
    await using cells = await openPool({ onTenantDeath: (name, reason) => told.push(`${name} ${reason}`) })
    await cells.run('for (;;);', { tenant: 'one', limits: { cpu: millis(1) } })
    await cells.run('for (;;);', { tenant: 'two', signal: AbortSignal.timeout(50) })
    await cells.run('return 1', { tenant: 'three' })
    await cells.run('return 1', { tenant: 'three', limits: { logLines: 3 } })
    cells.pool.retireTenant(tenant('three'), 'tenant-deleted')
    // The name may be somebody else's by the time the run ends.
    const left = cells.run('for (;;);', { tenant: 'four', limits: { cpu: millis(500) } })
    await vi.waitFor(() =>
      expect(cells.pool.cells().some(({ tenant: name, runs }) => name === 'four' && runs === 1)).toBe(true),
    )
    cells.pool.retireTenant(tenant('four'), 'tenant-deleted')
    expect((await left).killReason).toBe('cpu')
  }
  expect(told).toEqual(['one cpu'])
})
