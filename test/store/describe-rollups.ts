import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytes, epochMillis, units } from '../../src/core/quantity.ts'
import type { LedgerRecord } from '../../src/core/stores.ts'
import type { OpenStores } from './describe-stores.ts'
import { NO_DETAILS, START, alice, bob, fakeClock, record, tenant } from './samples.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export function describeRollups(open: OpenStores): void {
  describe('roll-ups', () => {
    test('sums of any range are those of its records, wherever its ends fall', async () => {
      await using stores = await open(fakeClock())
      const offsets = Array.from({ length: 400 }, (_, index) => (index * 7_919 * MINUTE_MS) / 37)
      const posts = offsets.map((offset, index) =>
        record({ startedAt: epochMillis(START + Math.floor(offset)), usage: { units: units(index) } }),
      )
      await Promise.all(posts.map((post) => stores.ledger.post(post, NO_DETAILS)))
      const end = Math.ceil(Math.max(...offsets)) + HOUR_MS
      const moment = fc.oneof(
        fc.integer({ min: -HOUR_MS, max: end }),
        fc.integer({ min: -1, max: Math.ceil(end / HOUR_MS) }).map((hour) => hour * HOUR_MS),
        fc.integer({ min: 0, max: Math.ceil(end / HOUR_MS / 24) }).map((day) => (24 * day + 2) * HOUR_MS),
      )
      await fc.assert(
        fc.asyncProperty(moment, moment, fc.boolean(), async (one, other, byHour) => {
          const range = {
            from: epochMillis(START + Math.min(one, other)),
            to: epochMillis(START + Math.max(one, other)),
          }
          const inside = posts.filter(({ startedAt }) => range.from <= startedAt && startedAt < range.to)
          const expected = inside.reduce((sum, { usage }) => sum + BigInt(usage.units), 0n)
          const rows = await stores.ledger.sum(alice, range, byHour ? ['hour'] : [])
          expect(rows.reduce((sum, row) => sum + row.units, 0n)).toBe(expected)
          expect(rows.reduce((sum, { records }) => sum + records, 0n)).toBe(BigInt(inside.length))
        }),
        { numRuns: 80 },
      )
    })

    test('a run that is posted again, or refused, is not added a second time', async () => {
      await using stores = await open(fakeClock())
      const first = record()
      await Promise.all([
        stores.ledger.post(first, NO_DETAILS),
        stores.ledger.post(first, { logs: [{ level: 'info', message: 'again' }] }),
        stores.ledger.post(record({ tenant: bob }), NO_DETAILS),
      ])
      await stores.ledger.post(first, NO_DETAILS)
      const [sums] = await stores.ledger.sum(alice, { from: epochMillis(0), to: epochMillis(START + HOUR_MS) }, [])
      expect(sums).toMatchObject({ records: 1n, requests: 1n, units: 1n })
      expect(await stores.ledger.verify(alice)).toMatchObject({ ok: true, records: 1 })
    })

    test('an audit while records are posted finds no difference', async () => {
      await using stores = await open(fakeClock())
      const posts = Array.from({ length: 500 }, () => record())
      const posting = Promise.all(posts.map((post) => stores.ledger.post(post, NO_DETAILS)))
      const audits = await Promise.all(Array.from({ length: 5 }, () => stores.ledger.verify(alice)))
      await posting
      expect(audits.every(({ ok }) => ok)).toBe(true)
      expect(await stores.ledger.verify(alice)).toMatchObject({ ok: true, records: posts.length })
    })

    test('an hour of storage is in sums and in no page of runs, and no run is found by its name', async () => {
      await using stores = await open(fakeClock())
      const storage = record({ kind: 'storage', trigger: 'host', storedByteHours: 99, usage: { units: units(0) } })
      const run: LedgerRecord = record({ usage: { egress: bytes(7), ingress: bytes(8) } })
      for (const post of [storage, run]) await stores.ledger.post(post, NO_DETAILS)
      const range = { from: epochMillis(START), to: epochMillis(START + 1) }
      const [sums] = await stores.ledger.sum(alice, range, [])
      expect(sums).toMatchObject({ records: 2n, requests: 1n, storedByteHours: 99n, egressBytes: 7n, ingressBytes: 8n })
      expect(await stores.ledger.page(alice, { limit: 10 })).toEqual([run])
      expect(await stores.ledger.find(alice, storage.run)).toBeUndefined()
    })

    test('the stores tell what each tenant keeps that keeps anything', async () => {
      await using stores = await open(fakeClock())
      for (const id of [alice, bob]) await stores.tenants.put(tenant(id))
      expect(await stores.storedBytes()).toEqual([])
      await stores.kv.put(bob, { key: 'k', value: '"é"' }, { keys: 10, storedBytes: 100 })
      expect(await stores.storedBytes()).toEqual([{ tenant: bob, bytes: 5 }])
    })
  })
}
