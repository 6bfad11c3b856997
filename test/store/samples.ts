import type { Clock } from '../../src/core/clock.ts'
import { type RunId, type TenantId, createRunIds, parseTenantId } from '../../src/core/ids.ts'
import { bytes, epochMillis, mebibytes, micros, millis, units } from '../../src/core/quantity.ts'
import type { Usage } from '../../src/core/run.ts'
import type { KvQuota, LedgerRecord, TenantRecord, TimeRange } from '../../src/core/stores.ts'

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  advance(ms: number): void
}

export const START = epochMillis(Date.UTC(2026, 0, 31, 22, 0, 0))

export function fakeClock(): FakeClock {
  let now = START as number
  return {
    now: () => epochMillis(now),
    elapsed: () => millis(now),
    advance: (ms) => {
      now += ms
    },
  }
}

export const runId: () => RunId = createRunIds(() => START)

export function tenantId(name: string): TenantId {
  return parseTenantId(name)!
}

export const alice = tenantId('alice')
export const bob = tenantId('bob')

export const ALL: TimeRange = { from: epochMillis(0), to: epochMillis(Number.MAX_SAFE_INTEGER) }
export const AMPLE: KvQuota = { keys: 1_000, storedBytes: 1_000_000 }
export const NO_DETAILS = { logs: [] }

export function tenant(id: TenantId, changes: Partial<TenantRecord> = {}): TenantRecord {
  return { id, policy: 'default', budget: {}, createdAt: START, updatedAt: START, ...changes }
}

type Changes = Partial<Omit<LedgerRecord, 'usage'>> & { readonly usage?: Partial<Usage> }

export function record({ usage, ...changes }: Changes = {}): LedgerRecord {
  return {
    run: runId(),
    tenant: alice,
    trigger: 'execute',
    status: 'ok',
    startedAt: START,
    policy: 'default',
    walls: 'C',
    ...changes,
    usage: {
      wall: micros(12_400),
      cpu: micros(3_100),
      units: units(1),
      memory: mebibytes(128),
      peakMemory: bytes(5_000_000),
      operations: {},
      inputSize: bytes(10),
      outputSize: bytes(20),
      logSize: bytes(0),
      egress: bytes(0),
      ingress: bytes(0),
      coldStart: false,
      ...usage,
    },
  }
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  return Array.fromAsync(items)
}
