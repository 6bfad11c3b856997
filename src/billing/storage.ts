import { storageRecordId } from '../core/ids.ts'
import { type EpochMillis, bytes, epochMillis, mebibytes, micros, units } from '../core/quantity.ts'
import type { LedgerRecord, StoredBytes } from '../core/stores.ts'

const HOUR_MS = 3_600_000

/**
 * The record that charges what a tenant keeps for the hour that a moment falls in: as many byte-hours as there are bytes
 * when it is taken. The same tenant and hour make a record of the same name, and the ledger takes a name once.
 */
export function storageRecord({ tenant, bytes: kept }: StoredBytes, now: EpochMillis): LedgerRecord {
  const hour = now - (now % HOUR_MS)
  const none = bytes(0)
  return {
    kind: 'storage',
    run: storageRecordId(tenant, hour),
    tenant,
    trigger: 'host',
    status: 'ok',
    startedAt: epochMillis(hour),
    storedByteHours: kept,
    policy: '',
    walls: 'C',
    usage: {
      wall: micros(0),
      cpu: micros(0),
      units: units(0),
      memory: mebibytes(0),
      peakMemory: none,
      operations: {},
      inputSize: none,
      outputSize: none,
      logSize: none,
      egress: none,
      ingress: none,
      coldStart: false,
    },
  }
}
