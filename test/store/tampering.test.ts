import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { type ChainVerdict, verifyLedger } from '../../src/store/chain.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { isChainWhole } from '../../src/store/sqlite/verify/check-chain.ts'
import { ALL, NO_DETAILS, alice, bob, fakeClock, record } from './samples.ts'

const DROP_TRIGGERS = 'DROP TRIGGER ledger_no_update; DROP TRIGGER ledger_no_delete;'
const COLUMNS =
  'run, format, "trigger", status, started_at, policy, walls, wall_us, cpu_us, units, memory_mib, peak_memory_bytes, ' +
  'input_bytes, output_bytes, log_bytes, cold_start, operations, function, version, parent_run, kind, egress_bytes, ' +
  'ingress_bytes, stored_byte_hours, hash'

/** What verification says of alice's six records after someone ran `sql` on the database file. */
async function verdictAfter(sql: string): Promise<ChainVerdict> {
  await using stores = await openTemporaryStores({ clock: fakeClock() })
  for (let index = 0; index < 6; index += 1) {
    await stores.ledger.post(record({ usage: { operations: { 'kv.get': 2 } } }), NO_DETAILS)
    await stores.ledger.post(record({ tenant: bob }), NO_DETAILS)
  }
  using database = new DatabaseSync(join(stores.directory, 'cloister.db'))
  database.exec(sql)
  expect(await verifyLedger(stores.ledger.records(bob, ALL))).toMatchObject({ ok: true, records: 6 })
  const verdict = await verifyLedger(stores.ledger.records(alice, ALL))
  const { first, last } = database
    .prepare(`SELECT min(sequence) AS first, max(sequence) AS last FROM ledger WHERE tenant = 'alice'`)
    .get() as { first: number; last: number }
  expect(first === 1 && isChainWhole(database, { tenant: alice, after: 0, last })).toBe(verdict.ok)
  return verdict
}

test.each(['UPDATE ledger SET units = 0', 'DELETE FROM ledger WHERE sequence = 6'])(
  'the ledger refuses: %s',
  async (sql) => {
    await expect(verdictAfter(sql)).rejects.toThrow('the ledger is append-only')
  },
)

const changes = {
  run: "'run_00000000000000000000000000'",
  '"trigger"': "'other'",
  status: "'timeout'",
  started_at: 'started_at + 1',
  policy: "'free'",
  walls: "'A'",
  wall_us: 'wall_us + 1',
  cpu_us: '0',
  units: 'units - 1',
  memory_mib: '64',
  peak_memory_bytes: '0',
  input_bytes: '0',
  output_bytes: '0',
  log_bytes: '1',
  cold_start: '1',
  operations: `'{"kv.get":1,"kv.get":2}'`,
  format: '2',
  function: "'greet'",
  version: '7',
  parent_run: "'run_00000000000000000000000000'",
  kind: "'storage'",
  egress_bytes: '1',
  ingress_bytes: '1',
  stored_byte_hours: '1',
  hash: "replace(hash, substr(hash, 1, 1), 'x')",
}
test.each(Object.entries(changes))('an edit of the column %s is found and its record named', async (column, value) => {
  const edit = `${DROP_TRIGGERS} UPDATE ledger SET ${column} = ${value} WHERE tenant = 'alice' AND sequence = 3`
  expect(await verdictAfter(edit)).toEqual({ ok: false, sequence: 3, reason: 'altered' })
})

test('a record that was deleted is named', async () => {
  const verdict = await verdictAfter(`${DROP_TRIGGERS} DELETE FROM ledger WHERE tenant = 'alice' AND sequence = 4`)
  expect(verdict).toEqual({ ok: false, sequence: 4, reason: 'missing' })
})

test('a record that was replaced, which no trigger sees, is named', async () => {
  const columns = COLUMNS.replace('units', '0')
  const verdict = await verdictAfter(
    `INSERT OR REPLACE INTO ledger (tenant, sequence, ${COLUMNS})
    SELECT tenant, sequence, ${columns} FROM ledger WHERE tenant = 'alice' AND sequence = 2`,
  )
  expect(verdict).toEqual({ ok: false, sequence: 2, reason: 'altered' })
})

test('two records that changed places are found', async () => {
  const verdict = await verdictAfter(`${DROP_TRIGGERS}
    UPDATE ledger SET sequence = 99 WHERE tenant = 'alice' AND sequence = 2;
    UPDATE ledger SET sequence = 2 WHERE tenant = 'alice' AND sequence = 5;
    UPDATE ledger SET sequence = 5 WHERE tenant = 'alice' AND sequence = 99;`)
  expect(verdict).toEqual({ ok: false, sequence: 2, reason: 'altered' })
})

test('a record that was made up before the first is found', async () => {
  const verdict = await verdictAfter(
    `INSERT INTO ledger (tenant, sequence, ${COLUMNS}) SELECT 'alice', 0, ${COLUMNS.replace('run', "'run_x'")}
    FROM ledger WHERE tenant = 'bob' AND sequence = 6`,
  )
  expect(verdict).toMatchObject({ ok: false, sequence: 0 })
})

test('a record that was made up is found', async () => {
  const verdict = await verdictAfter(
    `INSERT INTO ledger (tenant, sequence, ${COLUMNS}) SELECT 'alice', 7, ${COLUMNS.replace('run', "'run_x'")}
    FROM ledger WHERE tenant = 'bob' AND sequence = 6`,
  )
  expect(verdict).toEqual({ ok: false, sequence: 7, reason: 'altered' })
})
