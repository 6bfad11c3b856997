import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { type BillingDesk, createBilling } from '../../src/billing/billing.ts'
import { PriceBooks } from '../../src/billing/price-books.ts'
import { CloisterError, ERRORS } from '../../src/core/errors.ts'
import { bytes, epochMillis, millis } from '../../src/core/quantity.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { StillClock, alice, consumed, defaultBook, report, ticket } from './fixtures.ts'

class MovingClock extends StillClock {
  passed = 0
  override elapsed = () => millis(this.passed)
}

type Stores = Awaited<ReturnType<typeof openTemporaryStores>>

function deskOver(stores: Stores, clock: MovingClock): BillingDesk {
  const { ledger, invoices } = stores
  return createBilling({
    clock,
    ledger,
    invoices,
    closedUntil: epochMillis(0),
    prices: new PriceBooks([defaultBook]),
    budgetOf: () => ({}),
  })
}

/** Runs once, as execute.ts does: `started` is how often guest code would have run. */
async function run(desk: BillingDesk, code: { started: number }): Promise<string> {
  try {
    using hold = await desk.reserve(ticket())
    code.started += 1
    await desk.post(hold, report(), consumed())
    return 'billed'
  } catch (error) {
    return error instanceof CloisterError ? error.code : String(error)
  }
}

/** Asks again, a second apart by the clock, until a run is let in. */
async function runWhenOpen(desk: BillingDesk, clock: MovingClock, code: { started: number }): Promise<string> {
  for (;;) {
    clock.passed += 1_000
    const ending = await run(desk, code)
    if (ending !== 'OVERLOADED') return ending
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('on a full disk one run is lost, the next are refused before they start, and with room they run again', async () => {
  const clock = new MovingClock()
  await using stores = await openTemporaryStores({ clock, sizeMax: bytes(1 << 20) })
  const desk = deskOver(stores, clock)
  const code = { started: 0 }
  const key = (index: number) => ({ key: `k${index}`, value: `"${'x'.repeat(10_000)}"` })
  await stores.tenants.put({ id: alice, policy: 'default', budget: {}, createdAt: clock.now(), updatedAt: clock.now() })
  let keys = 0
  const quota = { keys: 1_000, storedBytes: 1 << 30 }
  while (
    await stores.kv.put(alice, key(keys), quota).then(
      () => true,
      () => false,
    )
  )
    keys += 1
  const endings: string[] = []
  // What room is left in half-full pages takes some records.
  while (endings.at(-1) !== 'INTERNAL') endings.push(await run(desk, code))
  expect(endings.slice(0, -1).every((ending) => ending === 'billed')).toBe(true)
  const { started } = code
  for (const passed of [10, 1_000, 1_000]) {
    clock.passed += passed
    expect(await run(desk, code)).toBe('OVERLOADED')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(ERRORS.OVERLOADED.http).toBe(503)
  expect(code.started).toBe(started)
  for (let index = 0; index < keys; index += 1) await stores.kv.delete(alice, `k${index}`)
  expect(await runWhenOpen(desk, clock, code)).toBe('billed')
  const charged = endings.length - 1 + 1
  expect((await desk.bill(alice, '2026-03')).records).toBe(charged)
  expect(code.started).toBe(charged + 1)
  expect(await desk.verify(alice)).toMatchObject({ ok: true, records: charged })
})

test('while another program holds the database, runs are refused before they start', async () => {
  const clock = new MovingClock()
  await using stores = await openTemporaryStores({ clock })
  const desk = deskOver(stores, clock)
  const code = { started: 0 }
  expect(await run(desk, code)).toBe('billed')
  using other = new DatabaseSync(join(stores.directory, 'cloister.db'))
  other.exec('BEGIN IMMEDIATE')
  expect(await run(desk, code)).toBe('INTERNAL')
  expect(await run(desk, code)).toBe('OVERLOADED')
  other.exec('COMMIT')
  expect(await runWhenOpen(desk, clock, code)).toBe('billed')
  expect(code.started).toBe(3)
  expect((await desk.bill(alice, '2026-03')).records).toBe(2)
})
