import type { GuestError, LogLine, Outcome, Usage } from '../core/run.ts'
import { type EpochMillis, microsToMillis } from '../core/quantity.ts'
import type { InvocationView } from '../core/invocations.ts'
import type { LedgerRecord, PostedRun } from '../core/stores.ts'
import { type Answer, JSON_TYPE } from './answer.ts'

/** Dollars as decimal text. */
export type CostOf = (usage: Usage, at?: EpochMillis) => string

const UNIT_MS = 100
const MEBIBYTE = 1 << 20

/** The answer to a run. The result's bytes are put between the other fields as they are; nothing parses them. */
export function runAnswer(outcome: Outcome, costOf: CostOf): Answer {
  const { run, function: deployed, status, result, error, logs, usage } = outcome
  const what = deployed === undefined ? '' : `"function":"${deployed.name}","version":${deployed.version},`
  const head = `{"runId":"${run}",${what}"status":"${status}",${result === undefined ? '' : '"result":'}`
  const rest = { error: error && viewError(error), logs: logs.map(viewLog), usage: viewUsage(usage, costOf) }
  const tail = `${result === undefined ? '' : ','}${JSON.stringify(rest).slice(1)}`
  return { status: 200, type: JSON_TYPE, ...join(head, result ?? NOTHING, tail) }
}

const NOTHING = new Uint8Array()
/** From here on copying the result into text costs more than the one write it saves. */
const TEXT_BYTES_MAX = 16 << 10
// oxlint-disable-next-line no-control-regex
const ASCII = /^[\u0000-\u007f]*$/

/** A short answer goes out as text: Node puts it into the same write as the headers, where a buffer would be another. */
function join(head: string, result: Uint8Array, tail: string): Pick<Answer, 'body' | 'encoding'> {
  const bytes = Buffer.from(result.buffer, result.byteOffset, result.byteLength)
  if (bytes.length > TEXT_BYTES_MAX || !ASCII.test(tail)) {
    return { body: Buffer.concat([Buffer.from(head), bytes, Buffer.from(tail)]) }
  }
  return { body: head + bytes.toString('latin1') + tail, encoding: 'latin1' }
}

/** The same as text, to be kept. */
export function runText(outcome: Outcome, costOf: CostOf): string {
  const { body, encoding } = runAnswer(outcome, costOf)
  return typeof body === 'string' && encoding === undefined ? body : Buffer.from(body as string, encoding).toString()
}

/** An asynchronous run that is not over, or that took more than one attempt: `last` is the one that took place last. */
export function viewInvocation(event: InvocationView, last: PostedRun | undefined, costOf: CostOf): object {
  const { id, state, function: name, trigger, createdAt, dueAt, attempts, run, error } = event
  const isOver = state === 'done' || state === 'failed'
  const seen = last === undefined ? { function: name, trigger } : viewRun(last, costOf)
  return {
    ...seen,
    runId: id,
    status: isOver ? (last?.status ?? error?.code ?? state) : state,
    queuedAt: new Date(createdAt).toISOString(),
    ...(state === 'queued' && { dueAt: new Date(dueAt).toISOString() }),
    attempts,
    ...(run !== undefined && { lastRunId: run }),
    ...(last === undefined && error !== undefined && { error }),
  }
}

/** One run as it is kept, with all that is kept of it. */
export function viewRun(posted: PostedRun, costOf: CostOf): object {
  const { error, logs, killReason, overdue } = posted.details
  return {
    ...viewRecord(posted, costOf),
    ...(error && { error: viewError(error) }),
    logs: logs.map(viewLog),
    killReason,
    overdueMs: overdue === undefined ? undefined : microsToMillis(overdue),
  }
}

/** One run as a line of a page. */
export function viewRecord(record: LedgerRecord, costOf: CostOf): object {
  const { kind, run, tenant, trigger, function: deployed, parentRun, status, startedAt, policy, walls, usage } = record
  const time = new Date(startedAt).toISOString()
  return {
    runId: run,
    kind,
    tenant,
    trigger,
    ...(deployed && { function: deployed.name, version: deployed.version }),
    parentRun,
    status,
    startedAt: time,
    policy,
    walls,
    usage: viewUsage(usage, (each) => costOf(each, startedAt)),
  }
}

function viewUsage(usage: Usage, costOf: CostOf): object {
  const { wall, cpu, units, memory, peakMemory, coldStart, operations, egress, ingress } = usage
  return {
    wallMs: microsToMillis(wall),
    cpuMs: microsToMillis(cpu),
    units,
    billedMs: units * UNIT_MS,
    memoryMb: memory,
    peakMemoryMb: peakMemory === 0 ? undefined : Math.round((peakMemory / MEBIBYTE) * 100) / 100,
    coldStart,
    billed: true,
    operations: isEmpty(operations) ? undefined : operations,
    egressBytes: egress === 0 ? undefined : egress,
    ingressBytes: ingress === 0 ? undefined : ingress,
    costUsd: costOf(usage),
  }
}

// Field by field: what else may hang on these objects inside the host is nobody's business outside.
function viewError({ name, message, stack }: GuestError): GuestError {
  return { name, message, stack }
}

function viewLog({ level, message }: LogLine): LogLine {
  return { level, message }
}

function isEmpty(operations: Usage['operations']): boolean {
  for (const _name in operations) return false
  return true
}
