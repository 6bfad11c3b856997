import { createKvCapability } from '../../src/broker/kv.ts'
import { systemClock } from '../../src/core/clock.ts'
import { parseTenantId } from '../../src/core/ids.ts'
import { type KvGrant } from '../../src/core/policy.ts'
import { bytes } from '../../src/core/quantity.ts'
import type { Report } from '../../src/core/run.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { type PoolHarness, type RunOptions, openPool } from '../pool/harness.ts'

export const KV: KvGrant = {
  operations: 1_000,
  keyBytes: bytes(512),
  valueBytes: bytes(2 ** 20),
  keys: 10_000,
  storedBytes: bytes(2 ** 26),
}

export interface Guest extends AsyncDisposable {
  readonly cells: PoolHarness
  /** Runs code in a real cell, with kv over a real store. */
  run(code: string, options?: RunOptions): Promise<Report>
  /** The result of a run as a value; throws if it did not end well. */
  value(code: string, options?: RunOptions): Promise<unknown>
  /** What a run logged, as `level: message`. */
  logs(code: string, options?: RunOptions): Promise<string[]>
}

/** Guests of `ann` and of any other tenant named here. */
export async function openGuest(tenants: readonly string[] = ['ann']): Promise<Guest> {
  await using taken = new AsyncDisposableStack()
  const stores = taken.use(await openTemporaryStores({ clock: systemClock }))
  for (const name of tenants) {
    const id = parseTenantId(name)
    if (id === undefined) throw new Error(`${name} is no tenant`)
    const now = systemClock.now()
    await stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: now, updatedAt: now })
  }
  const cells = taken.use(
    await openPool({ capabilities: [createKvCapability({ store: stores.kv, clock: systemClock })] }),
  )
  const resources = taken.move()
  const withKv = (options: RunOptions = {}): RunOptions => ({ grants: { kv: KV }, ...options })
  return {
    cells,
    run: (code, options) => cells.run(code, withKv(options)),
    value: (code, options) => cells.value(code, withKv(options)),
    async logs(code, options) {
      const { status, error, logs } = await cells.run(code, withKv(options))
      if (status !== 'ok') throw new Error(`${status}: ${error?.message}`)
      return logs.map(({ level, message }) => `${level}: ${message}`)
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}
