import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../core/clock.ts'
import type { IdempotencyStore } from '../../core/idempotency.ts'
import type { FunctionName, RunId, TenantId } from '../../core/ids.ts'
import type {
  ClaimedInvocation,
  InvocationError,
  InvocationLane,
  InvocationState,
  InvocationStore,
  InvocationView,
  LanePosition,
  NewInvocation,
  Onward,
  Settlement,
} from '../../core/invocations.ts'
import { epochMillis } from '../../core/quantity.ts'
import type { Trigger } from '../../core/run.ts'
import { reading } from '../reading.ts'
import type { InvocationRow, NewRow, OnwardInput, SettleInput } from './invocation-commands.ts'
import { createMessageId } from './queue-writer.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  /** A connection that is only read from. */
  readonly database: DatabaseSync
  readonly clock: Clock
}

/** How long an answer is remembered by its key. */
const REMEMBERED_MS = 86_400_000

/** Events over the database. Each write is one commit, shared with whoever else writes at the moment. */
export function createInvocationStore({ queue: writes, database, clock }: Parts): InvocationStore {
  const one = database.prepare(
    'SELECT * FROM invocations WHERE id = ? AND tenant = (SELECT number FROM tenants WHERE id = ?)',
  )
  // Row values would be one query, which SQLite does not find the next lane of without looking at all rows of this one.
  const sameTenant = database.prepare(
    `SELECT tenant, function, due_at FROM invocations
    WHERE state = 'queued' AND tenant = ? AND function > ? ORDER BY tenant, function, due_at LIMIT 1`,
  )
  const nextTenant = database.prepare(
    `SELECT tenant, function, due_at FROM invocations
    WHERE state = 'queued' AND tenant > ? ORDER BY tenant, function, due_at LIMIT 1`,
  )
  const nameOf = database.prepare('SELECT id FROM tenants WHERE number = ?')
  const next = (at: LanePosition): (LanePosition & { due_at: number }) | undefined =>
    (sameTenant.get(at.tenant, at.function) ?? nextTenant.get(at.tenant)) as
      (LanePosition & { due_at: number }) | undefined
  return {
    enqueue: async (invocation, quota) =>
      writes.write('invocation.enqueue', { invocation: rowOf(invocation), quota, now: clock.now() }),
    find: (tenant, id) =>
      reading(() => {
        const row = one.get(id, tenant) as InvocationRow | undefined
        return row && viewOf(row)
      }),
    dueLanes: (now, after, limit) =>
      reading(() => {
        const lanes: InvocationLane[] = []
        let at: LanePosition | undefined = after ?? FIRST
        for (let looked = 0; looked < limit; looked += 1) {
          const found = next(at)
          if (found === undefined) return { lanes }
          at = { tenant: found.tenant, function: found.function }
          const tenant = found.due_at <= now ? (nameOf.get(found.tenant) as { id: string } | undefined) : undefined
          if (tenant !== undefined) {
            lanes.push({ tenant: tenant.id as TenantId, function: found.function as FunctionName })
          }
        }
        return { lanes, next: at }
      }),
    async claim(wanted, lease) {
      const rows = await writes.write('invocation.claim', { wanted, now: clock.now(), leaseMs: lease })
      return rows.map(claimedOf)
    },
    renew: async (leases, lease) => writes.write('invocation.renew', { leases, until: clock.now() + lease }),
    settle: async (lease, settlement) =>
      writes.write('invocation.settle', settleInputOf(lease, settlement, clock.now())),
    recover: async () => writes.write('invocation.recover', { now: clock.now() }),
  }
}

/** Answers by the keys of their callers. */
export function createIdempotencyStore({ queue: writes, clock }: Omit<Parts, 'database'>): IdempotencyStore {
  return {
    begin: async ({ tenant, function: name, key, request }, quota, asynchronous) => {
      const now = clock.now()
      const enqueue = asynchronous === undefined ? null : { invocation: rowOf(asynchronous.invocation), quota, now }
      const what = { tenant, function: name, key, request, now, expiresAt: now + REMEMBERED_MS }
      return writes.write('idempotency.begin', { ...what, quota, answer: asynchronous?.answer ?? null, enqueue })
    },
    finish: async ({ tenant, function: name, key }, answer, { storedBytes }) => {
      const kept = { answer: answer ?? null, bytesMax: storedBytes }
      await writes.write('idempotency.finish', { tenant, function: name, key, ...kept })
    },
  }
}

const FIRST: LanePosition = { tenant: -1, function: '' }

/** An event as the writer takes it. */
export function rowOf({ function: name, target, depth = 0, parentRun, ...rest }: NewInvocation): NewRow {
  const { id, tenant, trigger, input, dueAt } = rest
  const from = { depth, parentRun: parentRun ?? null }
  return { id, tenant, function: name, target: JSON.stringify(target), trigger, input, dueAt, ...from }
}

function settleInputOf(lease: string, settlement: Settlement, now: number): SettleInput {
  const nothing = { dueAt: null, attempts: null, counts: 0, run: null, error: null, onward: null, quota: null } as const
  const base = { ...nothing, lease, now, kind: settlement.kind }
  switch (settlement.kind) {
    case 'retry': {
      const { dueAt, because, run = null, error } = settlement
      return { ...base, dueAt, counts: because === 'failed' ? 1 : 0, run, error: JSON.stringify(error) }
    }
    case 'done':
      return { ...base, run: settlement.run, onward: onwardOf(settlement.onward, now) }
    case 'failed': {
      const { run = null, attempts, error, onward, quota } = settlement
      return { ...base, run, attempts, error: JSON.stringify(error), onward: onwardOf(onward, now), quota }
    }
  }
}

function onwardOf(onward: Onward | undefined, now: number): OnwardInput | null {
  if (onward === undefined) return null
  if ('invocation' in onward) {
    return { enqueue: { invocation: rowOf(onward.invocation), quota: onward.quota, now } }
  }
  const { tenant, queue, body, depth, quota } = onward
  const message = { id: createMessageId(), body, delay: 0, deduplicationId: null, orderingKey: null, depth }
  return { send: { tenant, queue, now, quota, messages: [message] } }
}

function claimedOf(row: InvocationRow): ClaimedInvocation {
  return {
    id: row.id as RunId,
    tenant: row.tenant as TenantId,
    function: row.function as FunctionName,
    target: JSON.parse(row.target) as NewInvocation['target'],
    trigger: row.trigger as Trigger,
    input: row.input,
    depth: row.depth,
    ...(row.parent_run !== null && { parentRun: row.parent_run as RunId }),
    lease: row.lease,
    createdAt: epochMillis(row.created_at),
    plannedAt: epochMillis(row.planned_at),
    dueAt: epochMillis(row.due_at),
    attempts: row.attempts,
    claims: row.claims,
    interrupted: row.interrupted === 1,
  }
}

function viewOf(row: InvocationRow): InvocationView {
  return {
    id: row.id as RunId,
    state: row.state as InvocationState,
    function: row.function as FunctionName,
    trigger: row.trigger as Trigger,
    createdAt: epochMillis(row.created_at),
    dueAt: epochMillis(row.due_at),
    attempts: row.attempts,
    ...(row.run !== null && { run: row.run as RunId }),
    ...(row.error !== null && { error: JSON.parse(row.error) as InvocationError }),
  }
}
