import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { listen } from '../../src/core/events.ts'
import { createWorld, makeRequest, refusalOf, tenant } from './world.ts'

const acme = tenant('acme')
const other = tenant('other')

async function open() {
  const world = createWorld()
  const admission = await world.open()
  await admission.putTenant(acme, {})
  await admission.putTenant(other, {})
  return { world, admission, clock: world.clock }
}

test('a tenant whose code has brought down more cells than its policy allows is refused, and told how often, why and until when', async () => {
  const { admission } = await open()
  for (const reason of ['cpu', 'cpu', 'cpu']) expect(admission.recordDeath(acme, reason)).toBe(0)
  admission.admit(makeRequest())[Symbol.dispose]()
  expect(admission.recordDeath(acme, 'out-of-memory')).toBe(250)
  const refusal = refusalOf(() => admission.admit(makeRequest()))
  expect(refusal).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 250 })
  expect(refusal.message).toBe(
    'the code of tenant "acme" has brought down 4 cells, the last one by "out-of-memory"; new runs are admitted again in 0.25 s',
  )
})

test('the wait that is named is exactly enough', async () => {
  const { admission, clock } = await open()
  for (let count = 0; count < 4; count += 1) admission.recordDeath(acme, 'crash')
  clock.advance(249)
  expect(refusalOf(() => admission.admit(makeRequest()))).toMatchObject({ retryAfterMs: 1 })
  clock.advance(1)
  expect(admission.admit(makeRequest()).request.tenant).toBe(acme)
})

test('a run that was refused for this costs no token of the rate', async () => {
  const { admission, clock } = await open()
  for (let count = 0; count < 4; count += 1) admission.recordDeath(acme, 'crash')
  for (let count = 0; count < 10; count += 1) refusalOf(() => admission.admit(makeRequest()))
  clock.advance(250)
  for (let count = 0; count < 2; count += 1) admission.admit(makeRequest())
})

test('a tenant that is given another policy has still brought down what it has; one that is deleted and made again has not', async () => {
  const { admission } = await open()
  for (let count = 0; count < 5; count += 1) admission.recordDeath(acme, 'crash')
  await admission.putTenant(acme, { policy: 'weak' })
  expect(refusalOf(() => admission.admit(makeRequest())).code).toBe('RATE_LIMITED')
  expect(admission.backedOff).toBe(1)
  await admission.deleteTenant(acme)
  expect(admission.recordDeath(acme, 'crash')).toBe(0)
  expect(admission.backedOff).toBe(0)
  await admission.putTenant(acme, {})
  expect(admission.cellsOf(acme)).toEqual({ deaths: 0, last: undefined, backedOffUntil: undefined })
  admission.admit(makeRequest())
})

test('a host that starts again has forgotten it', async () => {
  const { world, admission } = await open()
  for (let count = 0; count < 5; count += 1) admission.recordDeath(acme, 'crash')
  expect((await world.open()).admit(makeRequest()).request.tenant).toBe(acme)
})

test('it is seen in the tenant’s status and in the events, by reason', async () => {
  const { admission, clock } = await open()
  const events: unknown[] = []
  onTestFinished(listen('tenant.backed-off', (event) => events.push(event)))
  onTestFinished(listen('run.held-off', (event) => events.push(event)))
  for (const reason of ['cpu', 'cpu', 'memory', 'crash']) admission.recordDeath(acme, reason)
  refusalOf(() => admission.admit(makeRequest()))
  expect(admission.cellsOf(acme)).toEqual({
    deaths: 4,
    last: { reason: 'crash', at: clock.now() },
    backedOffUntil: clock.now() + 250,
  })
  expect(admission.backedOff).toBe(1)
  expect(events).toEqual([
    { tenant: acme, reason: 'crash', deaths: 4, waitMs: 250 },
    { tenant: acme, reason: 'crash' },
  ])
  clock.advance(250)
  expect(admission.cellsOf(acme).backedOffUntil).toBeUndefined()
  expect(admission.backedOff).toBe(0)
})

test('no tenant’s deaths ever hold off another', async () => {
  const { admission, clock } = await open()
  const step = fc.oneof(fc.constant('die' as const), fc.nat({ max: 100_000 }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      for (const each of steps) {
        if (each === 'die') admission.recordDeath(acme, 'crash')
        else clock.advance(each)
        expect(admission.cellsOf(other)).toEqual({ deaths: 0, last: undefined, backedOffUntil: undefined })
      }
      clock.advance(1_000)
      admission.admit(makeRequest({ tenant: other }))[Symbol.dispose]()
    }),
  )
})
