import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FunctionName } from '../../src/core/ids.ts'
import { bytes, epochMillis, mebibytes, micros, units } from '../../src/core/quantity.ts'
import type { LedgerRecord } from '../../src/core/stores.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { isChainWhole } from '../../src/store/sqlite/verify/check-chain.ts'
import { areRollupsRight } from '../../src/store/sqlite/verify/check-rollups.ts'
import { NO_DETAILS, START, alice, bob, fakeClock, record, runId, tenantId } from './samples.ts'

const carol = tenantId('carol')
const PAGES_RECORDS = 4_500

/** Records of every kind that there is, and of several hours and days. */
function various(index: number): LedgerRecord {
  return record({
    startedAt: epochMillis(START + index * 1_800_000),
    ...(index % 2 === 0 && { function: { name: 'greet' as FunctionName, version: index }, trigger: 'http' }),
    ...(index % 3 === 0 && { parentRun: runId(), trigger: 'function' }),
    ...(index % 5 === 0 && { kind: 'storage', trigger: 'host', storedByteHours: index + 1 }),
    ...(index % 7 === 0 && { kind: 'init', policy: 'Größe "XL"\n\\ 😀 /' }),
    usage: {
      units: units(index),
      coldStart: index % 2 === 0,
      egress: bytes(index % 3),
      ingress: bytes(index % 4),
      operations: index % 4 === 0 ? {} : { 'kv.get': index, 'kv."odd"': 1 },
    },
  })
}

let stores: Awaited<ReturnType<typeof openTemporaryStores>>
let database: DatabaseSync

beforeAll(async () => {
  stores = await openTemporaryStores({ clock: fakeClock() })
  const posts = Array.from({ length: PAGES_RECORDS }, (_, index) =>
    record({ tenant: bob, usage: { units: units(index) } }),
  )
  await Promise.all(
    [...Array.from({ length: 60 }, (_, index) => various(index)), ...posts].map((post) =>
      stores.ledger.post(post, NO_DETAILS),
    ),
  )
  database = new DatabaseSync(join(stores.directory, 'cloister.db'))
})
afterAll(async () => {
  database.close()
  await stores[Symbol.asyncDispose]()
})

const stretch = (after: number, last: number) => ({ tenant: bob, after, last })

test('records of every kind have the same text in SQL as when they were hashed', () => {
  expect(isChainWhole(database, { tenant: alice, after: 0, last: 60 })).toBe(true)
  expect(areRollupsRight(database, alice)).toBe(true)
})

test('a chain of several pages is checked as a whole and in pieces', async () => {
  expect(isChainWhole(database, stretch(0, PAGES_RECORDS))).toBe(true)
  expect(isChainWhole(database, stretch(2_345, PAGES_RECORDS))).toBe(true)
  expect(isChainWhole(database, stretch(0, PAGES_RECORDS + 1))).toBe(false)
  expect(areRollupsRight(database, bob)).toBe(true)
  expect(await stores.ledger.verify(bob)).toMatchObject({ ok: true, records: PAGES_RECORDS })
})

test.each([2_000, 2_001, PAGES_RECORDS])(
  'an edit of record %i, wherever it lies in its page, is found',
  async (sequence) => {
    database.exec('SAVEPOINT edit; DROP TRIGGER ledger_no_update')
    database.prepare(`UPDATE ledger SET units = units + 1 WHERE tenant = 'bob' AND sequence = ?`).run(sequence)
    expect(isChainWhole(database, stretch(0, PAGES_RECORDS))).toBe(false)
    expect(isChainWhole(database, stretch(sequence - 1, sequence))).toBe(false)
    expect(areRollupsRight(database, bob)).toBe(false)
    database.exec('ROLLBACK TO edit; RELEASE edit')
    expect(await stores.ledger.verify(bob)).toMatchObject({ ok: true })
  },
)

test('the host names what is wrong, also of a record that was made up before the first', async () => {
  await using other = await openTemporaryStores({ clock: fakeClock() })
  for (let index = 0; index < 3; index += 1) await other.ledger.post(record(), NO_DETAILS)
  using tampering = new DatabaseSync(join(other.directory, 'cloister.db'))
  tampering.exec('DROP TRIGGER ledger_no_update; UPDATE ledger SET units = 0 WHERE sequence = 2')
  expect(await other.ledger.verify(alice)).toEqual({ ok: false, sequence: 2, reason: 'altered' })
  tampering.exec('UPDATE ledger SET units = 1; UPDATE ledger SET sequence = sequence - 1')
  expect(await other.ledger.verify(alice)).toMatchObject({ ok: false, sequence: 0 })
})

test('sums that SQL cannot hold are left to the exact check, which finds nothing wrong', async () => {
  const most = Number.MAX_SAFE_INTEGER
  const usage = { wall: micros(most), units: units(most), memory: mebibytes(most) }
  await Promise.all(
    Array.from({ length: 1_100 }, () => stores.ledger.post(record({ tenant: carol, usage }), NO_DETAILS)),
  )
  expect(areRollupsRight(database, carol)).toBe(false)
  expect(await stores.ledger.verify(carol)).toMatchObject({ ok: true, records: 1_100 })
})

test('verifications of several tenants at once all end, also when the store is closed meanwhile', async () => {
  const verdicts = await Promise.all([alice, bob, alice, bob].map((tenant) => stores.ledger.verify(tenant)))
  expect(verdicts.map(({ ok }) => ok)).toEqual([true, true, true, true])
  const other = await openTemporaryStores({ clock: fakeClock() })
  const asked = Promise.allSettled([other.ledger.verify(alice), other.ledger.verify(bob)])
  await other[Symbol.asyncDispose]()
  for (const { status, ...rest } of await asked) {
    if (status === 'rejected') expect(rest).toMatchObject({ reason: { code: 'INTERNAL' } })
  }
})
