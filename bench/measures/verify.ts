import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/core/clock.ts'
import { type TenantId, createRunIds, parseTenantId } from '../../src/core/ids.ts'
import { bytes, epochMillis, mebibytes, micros, units } from '../../src/core/quantity.ts'
import type { LedgerRecord } from '../../src/core/stores.ts'
import { type SqliteStores, openSqliteStores } from '../../src/store/sqlite/open.ts'
import type { Effort, Measure } from '../finding.ts'

const RESULTS = new URL('../results/', import.meta.url).pathname
const RECORDS = { all: 1_000_000, handful: 200_000 } as const
const BATCH = 10_000

/** What checking a tenant's accounts takes: every hash of its chain, and every roll-up against its records. */
export const verify: Measure = {
  name: 'verify',
  about:
    'The check behind `cloister bill verify` on the ledger of one tenant: each record hashed again and chained to the one ' +
    'before, each roll-up added up again from the records.',
  async run({ rounds, programs }: Effort, note) {
    mkdirSync(RESULTS, { recursive: true })
    const directory = mkdtempSync(join(RESULTS, 'verify-'))
    try {
      await using stores = await openSqliteStores({ directory, clock: systemClock, synchronous: 'off' })
      const tenant = parseTenantId('t')
      if (tenant === undefined) throw new Error('not a tenant')
      const records = RECORDS[programs]
      note(`posting ${records} records`)
      await post(stores, tenant, records)
      const perSecond: number[] = []
      const cpuMicros: number[] = []
      for (let round = 0; round < rounds; round += 1) {
        const before = process.cpuUsage()
        perSecond.push(records / (await secondsOf(stores, tenant, records)))
        const { user, system } = process.cpuUsage(before)
        cpuMicros.push((user + system) / records)
      }
      return [
        {
          subject: `${records} records`,
          metric: 'records verified',
          unit: '/s',
          rounds: perSecond,
          target: { bound: 'at least', value: 500_000 },
        },
        // What other programs on the machine change least.
        { subject: `${records} records`, metric: 'CPU time a record, all threads', unit: 'µs', rounds: cpuMicros },
      ]
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

async function secondsOf(stores: SqliteStores, tenant: TenantId, records: number): Promise<number> {
  const start = systemClock.elapsed()
  const verdict = await stores.ledger.verify(tenant)
  if (!verdict.ok || verdict.records !== records) throw new Error(`unexpected: ${JSON.stringify(verdict)}`)
  return (systemClock.elapsed() - start) / 1_000
}

/** A month of an ordinary tenant: some runs fail, half of them use the store. */
async function post({ ledger }: SqliteStores, tenant: TenantId, records: number): Promise<void> {
  const newRun = createRunIds(() => systemClock.now())
  const start = systemClock.now() - 30 * 86_400_000
  for (let done = 0; done < records; done += BATCH) {
    const posts = Array.from({ length: BATCH }, (_, index) => {
      const number = done + index
      const startedAt = epochMillis(start + Math.floor((number / records) * 30 * 86_400_000))
      return ledger.post(recordOf(newRun(), tenant, { number, startedAt }), { logs: [] })
    })
    await Promise.all(posts)
  }
}

function recordOf(
  run: LedgerRecord['run'],
  tenant: TenantId,
  { number, startedAt }: { number: number; startedAt: LedgerRecord['startedAt'] },
): LedgerRecord {
  return {
    run,
    tenant,
    trigger: number % 3 === 0 ? 'http' : 'execute',
    status: number % 20 === 0 ? 'error' : 'ok',
    startedAt,
    policy: 'default',
    walls: 'A',
    usage: {
      wall: micros(1_000 + (number % 90_000)),
      cpu: micros(500 + (number % 20_000)),
      units: units(1),
      memory: mebibytes(128),
      peakMemory: bytes(30_000_000),
      operations: number % 2 === 0 ? { 'kv.get': 1 + (number % 3), 'kv.put': 1 } : {},
      inputSize: bytes(100),
      outputSize: bytes(200),
      logSize: bytes(0),
      egress: bytes(0),
      ingress: bytes(0),
      coldStart: number % 100 === 0,
    },
  }
}
