import { CloisterError } from '../core/errors.ts'
import type { FunctionName, RunId, TenantId } from '../core/ids.ts'
import type { RunStatus } from '../core/outcome.ts'
import { bytes, epochMillis, mebibytes, micros, units } from '../core/quantity.ts'
import type { Operations, Trigger, WallLevel } from '../core/run.ts'
import type { LedgerRecord, RecordKind } from '../core/stores.ts'

/** The layout of {@link canonicalText}. A record keeps the format it was written in, so old chains stay verifiable. */
export const CANONICAL_FORMAT = 1

/**
 * A ledger record, flat: exactly what is hashed and exactly what the ledger's columns hold. Numbers are whole, from 0
 * to 2^53-1. `operations` is JSON text and is hashed as it is stored, so that no second way to write it goes unnoticed.
 */
export interface CanonicalFields {
  readonly format: number
  readonly run: string
  readonly tenant: string
  readonly trigger: string
  readonly status: string
  readonly startedAt: number
  readonly policy: string
  readonly walls: string
  readonly wallMicros: number
  readonly cpuMicros: number
  readonly units: number
  readonly memoryMb: number
  readonly peakMemoryBytes: number
  readonly inputBytes: number
  readonly outputBytes: number
  readonly logBytes: number
  /** 0 or 1. */
  readonly coldStart: number
  readonly operations: string
  readonly function: string | null
  readonly version: number | null
  readonly parentRun: string | null
  readonly kind: string
  readonly egressBytes: number
  readonly ingressBytes: number
  readonly storedByteHours: number
}

/** {@link CanonicalFields} as `JSON.parse` gives them back from a canonical text. */
export type ParsedCanonical = Omit<CanonicalFields, 'operations' | Absentable> & {
  readonly operations: Operations
} & Partial<Pick<CanonicalFields, Absentable>>

/** Fields that a text holds only if they have a value, so that texts from before there were any are still the same. */
type Absentable = 'function' | 'version' | 'parentRun' | 'kind' | 'egressBytes' | 'ingressBytes' | 'storedByteHours'

/**
 * The canonical JSON text of a record: one key order, no white space, whole numbers only. Two records have the same
 * text if and only if they are equal. Throws INTERNAL if a quantity is not a whole number from 0 to 2^53-1.
 */
export function encodeRecord(record: LedgerRecord): string {
  return canonicalText(fieldsOf(record))
}

/** Reads a canonical text back: `decodeRecord(encodeRecord(record))` equals `record`. Throws what `JSON.parse` throws. */
export function decodeRecord(canonical: string): LedgerRecord {
  return recordOf(columnsOf(JSON.parse(canonical) as ParsedCanonical))
}

/** A parsed text as the ledger's columns hold it. */
export function columnsOf(parsed: ParsedCanonical): CanonicalFields {
  const { function: name = null, version = null, parentRun = null, operations } = parsed
  const { kind = 'run', egressBytes = 0, ingressBytes = 0, storedByteHours = 0 } = parsed
  const added = { kind, egressBytes, ingressBytes, storedByteHours }
  return { ...parsed, operations: operationsText(operations), function: name, version, parentRun, ...added }
}

/** The one place that knows the key order. Ids and closed lists need no escaping; a policy's name may. */
export function canonicalText(fields: CanonicalFields): string {
  return (
    `{"format":${fields.format},"run":"${fields.run}","tenant":"${fields.tenant}","trigger":"${fields.trigger}",` +
    `"status":"${fields.status}","startedAt":${fields.startedAt},"policy":${JSON.stringify(fields.policy)},` +
    `"walls":"${fields.walls}","wallMicros":${fields.wallMicros},"cpuMicros":${fields.cpuMicros},` +
    `"units":${fields.units},"memoryMb":${fields.memoryMb},"peakMemoryBytes":${fields.peakMemoryBytes},` +
    `"inputBytes":${fields.inputBytes},"outputBytes":${fields.outputBytes},"logBytes":${fields.logBytes},` +
    `"coldStart":${fields.coldStart},"operations":${fields.operations}${absentable(fields)}}`
  )
}

function absentable({ function: name, version, parentRun, kind, ...counts }: CanonicalFields): string {
  const { egressBytes, ingressBytes, storedByteHours } = counts
  return (
    (name === null && version === null ? '' : `,"function":"${name}","version":${version}`) +
    (parentRun === null ? '' : `,"parentRun":"${parentRun}"`) +
    (kind === 'run' ? '' : `,"kind":"${kind}"`) +
    (egressBytes === 0 ? '' : `,"egressBytes":${egressBytes}`) +
    (ingressBytes === 0 ? '' : `,"ingressBytes":${ingressBytes}`) +
    (storedByteHours === 0 ? '' : `,"storedByteHours":${storedByteHours}`)
  )
}

/** Operation counts as canonical JSON text: names in the order of their UTF-16 code units. */
export function operationsText(operations: Operations): string {
  let text = ''
  for (const name of Object.keys(operations).toSorted()) {
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${whole(operations[name], `operations.${name}`)}`
  }
  return `{${text}}`
}

/** Turns what the ledger's columns hold into a record. The ledger only ever holds text that was checked on its way in. */
export function recordOf(fields: CanonicalFields): LedgerRecord {
  return {
    run: fields.run as RunId,
    tenant: fields.tenant as TenantId,
    ...(fields.kind !== 'run' && { kind: fields.kind as Exclude<RecordKind, 'run'> }),
    trigger: fields.trigger as Trigger | 'host',
    ...(fields.function !== null && {
      function: { name: fields.function as FunctionName, version: fields.version ?? 0 },
    }),
    ...(fields.parentRun !== null && { parentRun: fields.parentRun as RunId }),
    status: fields.status as RunStatus,
    startedAt: epochMillis(fields.startedAt),
    policy: fields.policy,
    walls: fields.walls as WallLevel,
    ...(fields.storedByteHours !== 0 && { storedByteHours: fields.storedByteHours }),
    usage: {
      wall: micros(fields.wallMicros),
      cpu: micros(fields.cpuMicros),
      units: units(fields.units),
      memory: mebibytes(fields.memoryMb),
      peakMemory: bytes(fields.peakMemoryBytes),
      operations: JSON.parse(fields.operations) as Operations,
      inputSize: bytes(fields.inputBytes),
      outputSize: bytes(fields.outputBytes),
      logSize: bytes(fields.logBytes),
      egress: bytes(fields.egressBytes),
      ingress: bytes(fields.ingressBytes),
      coldStart: fields.coldStart === 1,
    },
  }
}

function fieldsOf(record: LedgerRecord): CanonicalFields {
  const { run, tenant, trigger, function: deployed, parentRun, status, startedAt, policy, walls, usage } = record
  // A lone surrogate has no UTF-8 form: storage would replace it and the stored record would no longer fit its hash.
  if (!policy.isWellFormed()) throw new CloisterError('INTERNAL', 'policy must be well-formed Unicode')
  return {
    format: CANONICAL_FORMAT,
    run,
    tenant,
    trigger,
    status,
    startedAt: whole(startedAt, 'startedAt'),
    policy,
    walls,
    wallMicros: whole(usage.wall, 'usage.wall'),
    cpuMicros: whole(usage.cpu, 'usage.cpu'),
    units: whole(usage.units, 'usage.units'),
    memoryMb: whole(usage.memory, 'usage.memory'),
    peakMemoryBytes: whole(usage.peakMemory, 'usage.peakMemory'),
    inputBytes: whole(usage.inputSize, 'usage.inputSize'),
    outputBytes: whole(usage.outputSize, 'usage.outputSize'),
    logBytes: whole(usage.logSize, 'usage.logSize'),
    coldStart: usage.coldStart ? 1 : 0,
    operations: operationsText(usage.operations),
    function: deployed?.name ?? null,
    version: deployed === undefined ? null : whole(deployed.version, 'function.version'),
    parentRun: parentRun ?? null,
    kind: record.kind ?? 'run',
    egressBytes: whole(usage.egress, 'usage.egress'),
    ingressBytes: whole(usage.ingress, 'usage.ingress'),
    storedByteHours: whole(record.storedByteHours ?? 0, 'storedByteHours'),
  }
}

function whole(value: number | undefined, field: string): number {
  if (value !== undefined && value >= 0 && Number.isSafeInteger(value)) return value
  throw new CloisterError('INTERNAL', `${field} must be a whole number from 0 to 2^53-1, not ${value}`)
}
