import { expect, test } from 'vitest'
import { millis, units } from '../../src/core/quantity.ts'
import { catalog, createWorld, makePolicy, makeRequest, refusalOf, tenant } from './world.ts'

const acme = tenant('acme')

test('an admitted run carries its policy, an id of its own and the shorter of the two time limits', async () => {
  const world = createWorld()
  const admission = await world.open()
  await admission.putTenant(acme, {})
  using shortened = admission.admit(makeRequest({ timeout: millis(20) }))
  using unchanged = admission.admit(makeRequest({ timeout: millis(60_000) }))
  expect(shortened).toMatchObject({
    wall: 20,
    reuse: 'context',
    admittedAt: world.clock.now(),
    policy: { name: 'default' },
  })
  expect(unchanged.wall).toBe(5_000)
  expect(shortened.run).not.toBe(unchanged.run)
})

test('a run of a tenant that is not there is NOT_FOUND', async () => {
  const admission = await createWorld().open()
  expect(refusalOf(() => admission.admit(makeRequest())).code).toBe('NOT_FOUND')
})

test('a draining host starts nothing', async () => {
  const world = createWorld()
  const admission = await world.open()
  await admission.putTenant(acme, {})
  world.draining = true
  expect(refusalOf(() => admission.admit(makeRequest())).code).toBe('DRAINING')
})

test('below wall level B only policies that do not need the operating system run, unless the operator allows it', async () => {
  const world = createWorld()
  const admission = await world.open()
  await admission.putTenant(acme, {})
  await admission.putTenant(tenant('local'), { policy: 'weak' })
  world.walls = 'C'
  expect(refusalOf(() => admission.admit(makeRequest())).code).toBe('WALLS_TOO_WEAK')
  using _weak = admission.admit(makeRequest({ tenant: tenant('local') }))
  const permissive = await world.open({ allowWeakWalls: true })
  using _allowed = permissive.admit(makeRequest())
  world.walls = 'B'
  using _walled = admission.admit(makeRequest())
})

test('code and input over their bounds are TOO_LARGE and the message names size and bound', async () => {
  const admission = await createWorld().open()
  await admission.putTenant(acme, {})
  using _fits = admission.admit(makeRequest({ codeSize: 100, input: new Uint8Array(1_000) }))
  const code = refusalOf(() => admission.admit(makeRequest({ codeSize: 101 })))
  expect(code).toMatchObject({ code: 'TOO_LARGE', message: 'the code is 101 bytes long; the policy allows 100' })
  const input = refusalOf(() => admission.admit(makeRequest({ input: new Uint8Array(1_001) })))
  expect(input).toMatchObject({ code: 'TOO_LARGE', message: '`input` is 1001 bytes long; the policy allows 1000' })
})

test('runs past the burst are RATE_LIMITED, and the wait that is named is exactly enough', async () => {
  const world = createWorld()
  const admission = await world.open()
  await admission.putTenant(acme, {})
  using _first = admission.admit(makeRequest())
  using _second = admission.admit(makeRequest())
  const refusal = refusalOf(() => admission.admit(makeRequest()))
  expect(refusal).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 100 })
  world.clock.advance(99)
  expect(refusalOf(() => admission.admit(makeRequest())).retryAfterMs).toBe(1)
  world.clock.advance(1)
  using _third = admission.admit(makeRequest())
})

test('a tenant at rest never saves up more than its burst', async () => {
  const world = createWorld()
  const admission = await world.open()
  await admission.putTenant(acme, {})
  world.clock.advance(3_600_000)
  using _first = admission.admit(makeRequest())
  using _second = admission.admit(makeRequest())
  expect(refusalOf(() => admission.admit(makeRequest())).code).toBe('RATE_LIMITED')
})

test('changing a tenant does not hand it a new burst', async () => {
  const admission = await createWorld().open()
  await admission.putTenant(acme, {})
  using _first = admission.admit(makeRequest())
  using _second = admission.admit(makeRequest())
  await admission.putTenant(acme, { budget: { day: { units: 5 } } })
  expect(refusalOf(() => admission.admit(makeRequest())).code).toBe('RATE_LIMITED')
})

test('runs go into debt with the units that they used, and none starts until the debt is paid', async () => {
  const world = createWorld()
  const admission = await world.open()
  await admission.putTenant(acme, {
    policy: { rate: { ...makePolicy().rate, burst: 100, unitsPerSecond: 2, unitsBurst: 10 } },
  })
  // Nobody knows at their start what they will use.
  using first = admission.admit(makeRequest())
  using second = admission.admit(makeRequest())
  first.charged?.(units(10))
  using third = admission.admit(makeRequest())
  second.charged?.(units(5))
  third.charged?.(units(1))
  const refusal = refusalOf(() => admission.admit(makeRequest()))
  expect(refusal).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 3_000 })
  expect(refusal.message).toContain('rate.unitsPerSecond')
  world.clock.advance(2_999)
  expect(refusalOf(() => admission.admit(makeRequest())).retryAfterMs).toBe(1)
  // A change of the tenant forgives nothing.
  await admission.putTenant(acme, { budget: { day: { units: 5 } } })
  expect(refusalOf(() => admission.admit(makeRequest())).retryAfterMs).toBe(1)
  world.clock.advance(1)
  using _fourth = admission.admit(makeRequest())
})

test('a refused run costs no token', async () => {
  const admission = await createWorld().open()
  await admission.putTenant(acme, {})
  for (let i = 0; i < 10; i += 1)
    expect(refusalOf(() => admission.admit(makeRequest({ codeSize: 999 }))).code).toBe('TOO_LARGE')
  using _run = admission.admit(makeRequest())
})

test('a host is idle when every admitted run has ended, and a ticket ends once', async () => {
  const admission = await createWorld().open()
  await admission.putTenant(acme, {})
  await admission.whenIdle()
  const first = admission.admit(makeRequest())
  const second = admission.admit(makeRequest())
  let idle = false
  const becameIdle = admission.whenIdle().then(() => (idle = true))
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  await Promise.resolve()
  expect([admission.running, idle]).toEqual([1, false])
  second[Symbol.dispose]()
  await becameIdle
  expect(admission.running).toBe(0)
})

test('tenants, policies and budgets are there again after a restart', async () => {
  const world = createWorld()
  const first = await world.open()
  await first.putTenant(acme, { policy: { name: 'mine', walls: 'process' }, budget: { month: { usd: '12.5' } } })
  const again = await world.open()
  using run = again.admit(makeRequest())
  expect(run.policy).toEqual(makePolicy({ name: 'mine', walls: 'process' }))
  expect(again.budgetOf(acme)).toEqual({ month: { money: 12_500_000_000n } })
})

test('a tenant whose stored policy is gone is refused, and the host starts all the same', async () => {
  const world = createWorld()
  await (await world.open()).putTenant(acme, { policy: 'weak' })
  const policies = {
    resolve: (choice: Parameters<typeof catalog.resolve>[0]) => catalog.resolve(choice === 'weak' ? 'gone' : choice),
  }
  const admission = await world.open({ policies })
  expect(refusalOf(() => admission.admit(makeRequest())).code).toBe('INVALID_POLICY')
  await admission.putTenant(acme, { policy: 'default' })
  world.clock.advance(1_000)
  using _run = admission.admit(makeRequest())
})
