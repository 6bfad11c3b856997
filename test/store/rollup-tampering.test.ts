import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { encodeRecord } from '../../src/store/canonical.ts'
import { GENESIS_HASH, chainHash, verifyLedger } from '../../src/store/chain.ts'
import { ledgerTenantsKv } from '../../src/store/sqlite/migrations/1-ledger-tenants-kv.ts'
import { openSqliteStores, openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { temporaryFolder } from './folder.ts'
import { ALL, NO_DETAILS, alice, fakeClock, record } from './samples.ts'

test.each([
  [`UPDATE rollups SET sums = replace(sums, '"units":"3"', '"units":"2"') WHERE resolution = 'hour'`, 'hour', 3],
  [`UPDATE rollups SET sums = '{}' WHERE resolution = 'day'`, 'day', 0],
  [`DELETE FROM rollups WHERE resolution = 'day'`, 'day', 0],
  [`UPDATE rollups SET status = 'error' WHERE resolution = 'hour'`, 'hour', 3],
])('a roll-up that is not the sum of its records is named: %s', async (sql, resolution, rolledUp) => {
  await using stores = await openTemporaryStores({ clock: fakeClock() })
  for (let index = 0; index < 3; index += 1) await stores.ledger.post(record(), NO_DETAILS)
  expect(await stores.ledger.verify(alice)).toMatchObject({ ok: true, records: 3 })
  using database = new DatabaseSync(join(stores.directory, 'cloister.db'))
  database.exec(sql)
  const from = resolution === 'hour' ? '2026-01-31T22:00:00.000Z' : '2026-01-31T00:00:00.000Z'
  const rollup = expect.objectContaining({ resolution, rolledUp, from }) as unknown
  expect(await stores.ledger.verify(alice)).toEqual({ ok: false, reason: 'rollup-differs', rollup })
})

test('a ledger from before there were roll-ups is rolled up when it is opened, and its chain still verifies', async () => {
  using folder = temporaryFolder()
  {
    using old = new DatabaseSync(join(folder.path, 'cloister.db'))
    old.exec(`${ledgerTenantsKv} PRAGMA application_id = ${0x436c7374}; PRAGMA user_version = 1`)
    const insert = old.prepare(
      `INSERT INTO ledger (tenant, sequence, run, format, "trigger", status, started_at, policy, walls, wall_us, cpu_us,
        units, memory_mib, peak_memory_bytes, input_bytes, output_bytes, log_bytes, cold_start, operations, hash)
      VALUES ('alice', ?, ?, 1, 'execute', 'ok', ?, 'default', 'C', 12400, 3100, 1, 128, 5000000, 10, 20, 0, 0, ?, ?)`,
    )
    let head = GENESIS_HASH
    for (let sequence = 1; sequence <= 3; sequence += 1) {
      const post = record({ usage: { operations: { 'kv.get': sequence } } })
      head = chainHash(head, encodeRecord(post))
      insert.run(sequence, post.run, post.startedAt, `{"kv.get":${sequence}}`, head)
    }
  }
  await using stores = await openSqliteStores({ directory: folder.path, clock: fakeClock() })
  await stores.ledger.post(record(), NO_DETAILS)
  expect(await verifyLedger(stores.ledger.records(alice, ALL))).toMatchObject({ ok: true, records: 4 })
  expect(await stores.ledger.verify(alice)).toMatchObject({ ok: true, records: 4 })
  const [sums] = await stores.ledger.sum(alice, ALL, [])
  expect(sums).toMatchObject({ records: 4n, units: 4n, operations: { 'kv.get': 6n } })
})
