import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { RunId } from '../../src/core/ids.ts'
import { decodeRecord } from '../../src/store/canonical.ts'
import { verifyLedger } from '../../src/store/chain.ts'
import { openSqliteStores } from '../../src/store/sqlite/open.ts'
import { postForever } from './child.ts'
import { temporaryFolder } from './folder.ts'
import { ALL, alice, bob, collect } from './samples.ts'

test(
  'after kill -9 every acknowledged run is in the ledger exactly once and the chains hold',
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder()
    const acknowledged: string[] = []
    for (const count of [1, 500, 2_000]) {
      await using child = postForever(folder.path)
      await child.acknowledged(count)
      acknowledged.push(...(await child.kill()))
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(2_501)

    await using stores = await openSqliteStores({ directory: folder.path, clock: systemClock })
    const found = new Map<string, number>()
    for (const tenant of [alice, bob]) {
      for (const { canonical } of await collect(stores.ledger.records(tenant, ALL))) {
        const { run } = decodeRecord(canonical)
        found.set(run, (found.get(run) ?? 0) + 1)
      }
      expect(await verifyLedger(stores.ledger.records(tenant, ALL))).toMatchObject({ ok: true })
    }
    expect(acknowledged.filter((run) => found.get(run) !== 1)).toEqual([])
    // What was committed and not acknowledged is at most what was in flight at each kill.
    expect(found.size - acknowledged.length).toBeLessThanOrEqual(3 * 20 * 2)

    for (const run of acknowledged.slice(-20)) {
      const posted = (await stores.ledger.find(alice, run as RunId)) ?? (await stores.ledger.find(bob, run as RunId))
      expect([[], [{ level: 'info', message: run }]]).toContainEqual(posted!.details.logs)
    }
  },
)

test('what was written is there when the directory is opened again', async () => {
  using folder = temporaryFolder()
  {
    await using child = postForever(folder.path)
    await child.acknowledged(10)
  }
  const open = () => openSqliteStores({ directory: folder.path, clock: systemClock })
  const heads: unknown[] = []
  for (let round = 0; round < 2; round += 1) {
    await using stores = await open()
    heads.push(await verifyLedger(stores.ledger.records(alice, ALL)))
  }
  expect(heads[0]).toMatchObject({ ok: true })
  expect(heads[1]).toEqual(heads[0])
})
