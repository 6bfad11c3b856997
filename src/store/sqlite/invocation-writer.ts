import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import type { Enqueued, Settled } from '../../core/invocations.ts'
import type { DeadLetterWriter } from './dead-letter-writer.ts'
import type {
  EnqueueInput,
  InvocationCommands,
  InvocationRow,
  OnwardInput,
  SettleInput,
} from './invocation-commands.ts'
import type { QueueWriter } from './queue-writer.ts'
import { Savepoint } from './savepoint.ts'

type Input<Kind extends keyof InvocationCommands> = InvocationCommands[Kind]['input']

interface Parts {
  readonly queues: QueueWriter
  readonly letters: DeadLetterWriter
}

/**
 * Changes events inside the writer's transaction: one command at a time, so each is atomic.
 *
 * Invariant: an event that was queued is there until it is settled as done or is a dead letter.
 */
export class InvocationWriter {
  readonly #savepoint: Savepoint
  readonly #parts: Parts
  readonly #tenant: StatementSync
  readonly #totals: StatementSync
  readonly #insert: StatementSync
  readonly #due: StatementSync
  readonly #take: StatementSync
  readonly #renew: StatementSync
  readonly #held: StatementSync
  readonly #retry: StatementSync
  readonly #end: StatementSync
  readonly #delete: StatementSync
  readonly #expire: StatementSync

  constructor(database: DatabaseSync, parts: Parts) {
    this.#savepoint = new Savepoint(database)
    this.#parts = parts
    this.#tenant = database.prepare('SELECT number FROM tenants WHERE id = ?')
    this.#totals = database.prepare('SELECT queued, queued_bytes AS bytes FROM event_totals WHERE tenant = ?')
    this.#insert = database.prepare(
      `INSERT INTO invocations (tenant, id, function, target, "trigger", input, depth, parent_run, created_at, planned_at, due_at)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)`,
    )
    this.#due = database.prepare(
      `SELECT * FROM invocations WHERE tenant = ? AND function = ? AND state = 'queued' AND due_at <= ? ORDER BY due_at LIMIT ?`,
    )
    this.#take = database.prepare(
      `UPDATE invocations SET state = 'running', due_at = ?, claims = claims + 1, interrupted = 1,
        lease = lower(hex(randomblob(16))) WHERE number = ? RETURNING lease`,
    )
    this.#renew = database.prepare(`UPDATE invocations SET due_at = ? WHERE lease = ? AND state = 'running'`)
    this.#held = database.prepare(`SELECT * FROM invocations WHERE lease = ? AND state = 'running'`)
    this.#retry = database.prepare(
      `UPDATE invocations SET state = 'queued', lease = NULL, interrupted = 0, due_at = ?, attempts = attempts + ?,
        run = ifnull(?, run), error = ? WHERE number = ?`,
    )
    this.#end = database.prepare(
      `UPDATE invocations SET state = ?, lease = NULL, ended_at = ?, attempts = ?, run = ifnull(?, run), error = ?, input = 'null'
      WHERE number = ?`,
    )
    this.#delete = database.prepare('DELETE FROM invocations WHERE number = ?')
    this.#expire = database.prepare(
      `UPDATE invocations SET state = 'queued', lease = NULL, due_at = ?1 WHERE state = 'running' AND due_at <= ?2`,
    )
  }

  /** Throws NOT_FOUND if there is no such tenant. */
  enqueue({ invocation, quota, now }: EnqueueInput): Enqueued {
    const tenant = this.#tenantOf(invocation.tenant)
    const { queued, bytes } = (this.#totals.get(tenant) ?? NOTHING) as unknown as typeof NOTHING
    if (queued >= quota.queued) return 'queued-exceeded'
    if (bytes + Buffer.byteLength(invocation.input) > quota.storedBytes) return 'bytes-exceeded'
    const { id, target, trigger, input, depth, parentRun, dueAt } = invocation
    this.#insert.run(tenant, id, invocation.function, target, trigger, input, depth, parentRun, now, dueAt)
    return 'done'
  }

  /** What nobody renewed is due again. */
  claim({ wanted, now, leaseMs }: Input<'invocation.claim'>): readonly InvocationRow[] {
    this.#expire.run(now, now)
    return wanted.flatMap(({ tenant: id, function: name, limit }) => {
      const tenant = this.#tenant.get(id) as { number: number } | undefined
      if (tenant === undefined) return []
      const rows = this.#due.all(tenant.number, name, now, limit) as unknown as InvocationRow[]
      return rows.map((row) => {
        const { lease } = this.#take.get(now + leaseMs, row.number) as { lease: string }
        return { ...row, tenant: id, claims: row.claims + 1, lease }
      })
    })
  }

  renew({ leases, until }: Input<'invocation.renew'>): void {
    for (const lease of leases) this.#renew.run(until, lease)
  }

  settle(input: SettleInput): Settled {
    const row = this.#held.get(input.lease) as (Omit<InvocationRow, 'tenant'> & { tenant: number }) | undefined
    if (row === undefined) return 'lost'
    const { kind, now, run, error } = input
    if (kind === 'retry') {
      this.#retry.run(input.dueAt, input.counts, run, error, row.number)
      return 'done'
    }
    if (kind === 'failed' && input.quota !== null) {
      const { id, function: name, target, trigger, input: body, depth, created_at: createdAt } = row
      const attempts = input.attempts ?? row.attempts
      const what = {
        id,
        function: name,
        target,
        trigger,
        input: body,
        depth,
        createdAt,
        attempts,
        run,
        error: error ?? '{}',
      }
      this.#parts.letters.add(row.tenant, { ...what, queue: null, orderingKey: null }, input.quota, now)
    }
    // Its run has its id: the ledger answers for it from here on.
    if (kind === 'done' && run === row.id) this.#delete.run(row.number)
    else this.#end.run(kind, now, input.attempts ?? row.attempts, run, error, row.number)
    return this.#send(input.onward)
  }

  /** Gives back all that is claimed. How much that was. */
  recover({ now }: Input<'invocation.recover'>): number {
    return Number(this.#expire.run(now, Number.MAX_SAFE_INTEGER).changes)
  }

  /** Whatever becomes of what is sent on, the event itself is settled. */
  #send(onward: OnwardInput | null): Settled {
    if (onward === null) return 'done'
    try {
      const sent = this.#savepoint.run(
        () => (onward.send === undefined ? this.enqueue(onward.enqueue) : this.#parts.queues.sendWithin(onward.send)),
        (outcome) => outcome === 'done',
      )
      return sent === 'done' ? 'done' : 'undeliverable'
    } catch (thrown) {
      if (thrown instanceof CloisterError) return 'undeliverable'
      throw thrown
    }
  }

  #tenantOf(id: string): number {
    const found = this.#tenant.get(id) as { number: number } | undefined
    if (found === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${id}`)
    return found.number
  }
}

const NOTHING = { queued: 0, bytes: 0 }
