import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RUN_STATUSES } from '../../src/core/outcome.ts'
import { epochMillis, micros } from '../../src/core/quantity.ts'
import type { LedgerRecord, RunDetails } from '../../src/core/stores.ts'
import { decodeRecord, encodeRecord } from '../../src/store/canonical.ts'
import { GENESIS_HASH, verifyLedger } from '../../src/store/chain.ts'
import type { OpenStores } from './describe-stores.ts'
import { ALL, NO_DETAILS, START, alice, bob, collect, fakeClock, record, runId } from './samples.ts'

const at = (offsetMs: number): LedgerRecord['startedAt'] => epochMillis(START + offsetMs)

export function describeLedger(open: OpenStores): void {
  describe('ledger', () => {
    test('a run that was posted is found by its tenant, with what it logged and threw', async () => {
      await using stores = await open(fakeClock())
      const failed = record({ status: 'error', usage: { operations: { 'kv.put': 3, 'kv.get': 1 }, coldStart: true } })
      const details: RunDetails = {
        error: {
          name: 'TypeError',
          message: 'tab\there, null\u0000here, \ud800 and\nnew line',
          stack: 'at main.js:1:2',
        },
        logs: [{ level: 'warn', message: 'line\n"two" 😀' }],
        killReason: 'memory',
        overdue: micros(1),
      }
      await stores.ledger.post(failed, details)
      const found = await stores.ledger.find(alice, failed.run)
      expect(found).toEqual({ ...failed, details })
      expect(await stores.ledger.find(bob, failed.run)).toBeUndefined()
      expect(await stores.ledger.find(alice, runId())).toBeUndefined()
    })

    test('a run without an error and without logs has empty details', async () => {
      await using stores = await open(fakeClock())
      const plain = record()
      await stores.ledger.post(plain, NO_DETAILS)
      expect(await stores.ledger.find(alice, plain.run)).toEqual({ ...plain, details: { logs: [] } })
    })

    test('a run that is posted again changes nothing and resolves', async () => {
      await using stores = await open(fakeClock())
      const first = record()
      const next = record()
      await stores.ledger.post(first, NO_DETAILS)
      await Promise.all([
        stores.ledger.post({ ...first, status: 'timeout' }, { logs: [{ level: 'info', message: 'again' }] }),
        stores.ledger.post(first, NO_DETAILS),
        stores.ledger.post(next, NO_DETAILS),
        stores.ledger.post(next, NO_DETAILS),
      ])
      expect(await stores.ledger.find(alice, first.run)).toEqual({ ...first, details: NO_DETAILS })
      const lines = await collect(stores.ledger.records(alice, ALL))
      expect(lines.map(({ canonical }) => canonical)).toEqual([encodeRecord(first), encodeRecord(next)])
      expect(await verifyLedger(stores.ledger.records(alice, ALL))).toMatchObject({ ok: true, records: 2 })
    })

    test('a record that is not in whole numbers is refused and leaves no trace', async () => {
      await using stores = await open(fakeClock())
      const broken = record({ usage: { wall: 0.5 as never } })
      await expect(stores.ledger.post(broken, NO_DETAILS)).rejects.toMatchObject({ code: 'INTERNAL' })
      expect(await stores.ledger.page(alice, { limit: 10 })).toEqual([])
    })

    test('each tenant’s records form one chain, in the order of their posts, whoever else posts', async () => {
      await using stores = await open(fakeClock())
      const posts = Array.from({ length: 60 }, (_, index) => record({ tenant: index % 3 === 0 ? bob : alice }))
      await Promise.all(posts.slice(0, 30).map((post) => stores.ledger.post(post, NO_DETAILS)))
      for (const post of posts.slice(30)) await stores.ledger.post(post, NO_DETAILS)

      for (const tenant of [alice, bob]) {
        const lines = await collect(stores.ledger.records(tenant, ALL))
        const own = posts.filter((post) => post.tenant === tenant)
        expect(lines.map(({ canonical }) => decodeRecord(canonical))).toEqual(own)
        expect(lines.map(({ sequence }) => sequence)).toEqual(own.map((_, index) => index + 1))
        expect(lines[0]!.previousHash).toBe(GENESIS_HASH)
        expect(await verifyLedger(stores.ledger.records(tenant, ALL))).toEqual({
          ok: true,
          records: own.length,
          head: lines.at(-1)!.hash,
        })
      }
    })

    test('the lines of a range are those that started in it, in the order of the chain', async () => {
      await using stores = await open(fakeClock())
      for (const offset of [30, 10, 40, 20, 50, 10]) {
        await stores.ledger.post(record({ startedAt: at(offset) }), NO_DETAILS)
      }
      const all = await collect(stores.ledger.records(alice, ALL))
      const some = await collect(stores.ledger.records(alice, { from: at(20), to: at(50) }))
      expect(some).toEqual([all[0], all[2], all[3]])
      expect(await collect(stores.ledger.records(alice, { from: at(51), to: at(99) }))).toEqual([])
      expect(await collect(stores.ledger.records(bob, ALL))).toEqual([])
    })

    test('pages of runs go from the newest to the oldest and miss none', async () => {
      await using stores = await open(fakeClock())
      const offsets = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 })
      await fc.assert(
        fc.asyncProperty(offsets, fc.integer({ min: 1, max: 7 }), fc.uuid(), async (starts, limit, id) => {
          const tenant = `t-${id}` as LedgerRecord['tenant']
          const posts = starts.map((start, index) =>
            record({ tenant, startedAt: at(start), status: RUN_STATUSES[index % 3]! }),
          )
          await Promise.all(posts.map((post) => stores.ledger.post(post, NO_DETAILS)))
          const newestFirst = posts.toReversed().toSorted((a, b) => b.startedAt - a.startedAt)
          const pageAll = async (filter: object): Promise<LedgerRecord[]> => {
            const seen: LedgerRecord[] = []
            for (;;) {
              const before = seen.at(-1)?.run
              const page = await stores.ledger.page(tenant, { ...filter, limit, ...(before && { before }) })
              expect(page.length).toBeLessThanOrEqual(limit)
              seen.push(...page)
              if (page.length < limit) return seen
            }
          }
          expect(await pageAll({})).toEqual(newestFirst)
          expect(await pageAll({ status: 'error' })).toEqual(newestFirst.filter(({ status }) => status === 'error'))
          const range = { from: at(1), to: at(4) }
          expect(await pageAll({ range })).toEqual(
            newestFirst.filter(({ startedAt }) => startedAt >= range.from && startedAt < range.to),
          )
        }),
        { numRuns: 30 },
      )
    })

    test('a page that starts after a run above its range starts at the top of the range', async () => {
      await using stores = await open(fakeClock())
      const [late, inside] = [record({ startedAt: at(100) }), record({ startedAt: at(10) })]
      const between = record({ startedAt: at(50) })
      for (const post of [late, inside, between]) await stores.ledger.post(post, NO_DETAILS)
      const range = { from: at(0), to: at(20) }
      expect(await stores.ledger.page(alice, { range, before: late.run, limit: 10 })).toEqual([inside])
    })

    test('a page cannot start at a run that is not the tenant’s', async () => {
      await using stores = await open(fakeClock())
      const other = record({ tenant: bob })
      await stores.ledger.post(other, NO_DETAILS)
      await expect(stores.ledger.page(alice, { before: other.run, limit: 10 })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
    })

    test('pages, sums and exports reach over many thousands of records', { timeout: 30_000 }, async () => {
      await using stores = await open(fakeClock())
      const posts = Array.from({ length: 5_003 }, (_, index) =>
        record({ startedAt: at(index < 4_000 ? 0 : index % 7), status: index === 1 ? 'crashed' : 'ok' }),
      )
      await Promise.all(posts.map((post) => stores.ledger.post(post, NO_DETAILS)))
      expect(await stores.ledger.page(alice, { limit: 6_000 })).toHaveLength(posts.length)
      expect(await stores.ledger.page(alice, { status: 'crashed', limit: 1 })).toEqual([posts[1]])
      const sums = await stores.ledger.sum(alice, ALL, ['outcome'])
      expect(sums.map(({ group, requests }) => [group.outcome, requests])).toEqual([
        ['crashed', 1n],
        ['ok', BigInt(posts.length - 1)],
      ])
      expect(await verifyLedger(stores.ledger.records(alice, ALL))).toMatchObject({ ok: true, records: posts.length })
    })
  })
}
