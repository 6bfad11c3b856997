import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import type { ExecutionSettlement, JournalEntry } from '../../core/durable.ts'
import type { ExecutionCommands } from './execution-commands.ts'

type Input<Kind extends keyof ExecutionCommands> = ExecutionCommands[Kind]['input']
type Output<Kind extends keyof ExecutionCommands> = ExecutionCommands[Kind]['output']

/** Executions that one step removes at most: each may have thousands of entries. */
const FORGET_STEP = 10
const IS_OPEN = `status IN ('running', 'suspended')`
/** An event is there that an entry of the execution waits for. */
const IS_AWAITED = `EXISTS (SELECT 1 FROM journal JOIN execution_events USING (execution, name)
  WHERE execution = executions.number AND kind = 'event' AND state = 'open')`

/** Changes executions inside the writer's transaction. */
export class ExecutionWriter {
  readonly #tenant: StatementSync
  readonly #insert: StatementSync
  readonly #findOpen: StatementSync
  readonly #find: StatementSync
  readonly #write: StatementSync
  readonly #oldest: StatementSync
  readonly #drop: StatementSync
  readonly #settle: StatementSync
  readonly #clear: StatementSync
  readonly #count: StatementSync
  readonly #keep: StatementSync
  readonly #wake: StatementSync
  readonly #cancel: StatementSync
  readonly #forget: StatementSync

  constructor(database: DatabaseSync) {
    this.#tenant = database.prepare(
      `SELECT number, (SELECT count(*) FROM executions WHERE tenant = tenants.number AND ${IS_OPEN}) AS open
      FROM tenants WHERE id = ?`,
    )
    this.#insert = database.prepare(
      `INSERT INTO executions (id, tenant, function, version, status, input, due_at, created_at, updated_at)
      VALUES (?1, ?2, ?3, ?4, 'running', ?5, ?6, ?6, ?6)`,
    )
    this.#findOpen = database.prepare(`SELECT number FROM executions WHERE id = ? AND ${IS_OPEN}`)
    this.#find = database.prepare(
      'SELECT number, status FROM executions WHERE id = ? AND tenant = (SELECT number FROM tenants WHERE id = ?)',
    )
    this.#write = database.prepare(
      `INSERT INTO journal (execution, id, place, kind, name, state, value, due_at, tries, version, at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (execution, id) DO UPDATE SET state = excluded.state, value = excluded.value,
        due_at = excluded.due_at, tries = excluded.tries, version = excluded.version, at = excluded.at`,
    )
    this.#oldest = database.prepare(
      'SELECT number, payload FROM execution_events WHERE execution = ? AND name = ? ORDER BY number LIMIT 1',
    )
    this.#drop = database.prepare('DELETE FROM execution_events WHERE number = ?')
    this.#settle = database.prepare(
      `UPDATE executions SET status = ?2, result = ?3, error = ?4, setbacks = ?5, last_run = coalesce(?6, last_run),
        runs = runs + (?6 IS NOT NULL), updated_at = ?7,
        due_at = CASE WHEN ?2 = 'suspended' AND ${IS_AWAITED} THEN ?7 ELSE ?8 END
      WHERE number = ?1`,
    )
    this.#clear = database.prepare('DELETE FROM execution_events WHERE execution = ?')
    this.#count = database.prepare('SELECT count(*) AS count FROM execution_events WHERE execution = ?')
    this.#keep = database.prepare('INSERT INTO execution_events (execution, name, payload, at) VALUES (?, ?, ?, ?)')
    this.#wake = database.prepare(
      `UPDATE executions SET due_at = ?2 WHERE number = ?1 AND status = 'suspended' AND ${IS_AWAITED}`,
    )
    this.#cancel = database.prepare(
      `UPDATE executions SET status = 'cancelled', due_at = NULL, updated_at = ? WHERE number = ?`,
    )
    this.#forget = database.prepare(
      `DELETE FROM executions WHERE number IN (SELECT number FROM executions
        WHERE status NOT IN ('running', 'suspended') AND updated_at < ? ORDER BY updated_at LIMIT ${FORGET_STEP})`,
    )
  }

  /** Throws NOT_FOUND if there is no such tenant. */
  begin(input: Input<'execution.begin'>): boolean {
    const tenant = this.#tenant.get(input.tenant) as { number: number; open: number } | undefined
    if (tenant === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${input.tenant}`)
    if (tenant.open >= input.openMax) return false
    this.#insert.run(input.id, tenant.number, input.function, input.version, input.input, input.now)
    return true
  }

  record({ id, entry }: Input<'execution.record'>): boolean {
    const number = this.#openNumber(id)
    if (number === undefined) return false
    this.#put(number, entry)
    return true
  }

  takeEvent({ id, entry }: Input<'execution.take-event'>): Output<'execution.take-event'> {
    const number = this.#openNumber(id)
    const event = number === undefined ? undefined : this.#oldest.get(number, entry.name)
    if (number === undefined || event === undefined) return {}
    const { number: taken, payload } = event as { number: number; payload: string }
    this.#drop.run(taken)
    this.#put(number, { ...entry, state: 'done', value: payload })
    return { payload }
  }

  settle({ id, settlement, run, now }: Input<'execution.settle'>): void {
    const number = this.#openNumber(id)
    if (number === undefined) return
    const { status, result, error, setbacks, dueAt } = rowOf(settlement)
    this.#settle.run(number, status, result, error, setbacks, run, now, dueAt)
    if (status === 'done' || status === 'failed') this.#clear.run(number)
  }

  deliver({ tenant, id, name, payload, now, max }: Input<'execution.deliver'>): Output<'execution.deliver'> {
    const found = this.#find.get(id, tenant) as { number: number; status: string } | undefined
    if (found === undefined) return 'none'
    if (found.status !== 'running' && found.status !== 'suspended') return 'over'
    if ((this.#count.get(found.number) as { count: number }).count >= max) return 'too-many'
    this.#keep.run(found.number, name, payload, now)
    this.#wake.run(found.number, now)
    return 'done'
  }

  cancel({ tenant, id, now }: Input<'execution.cancel'>): boolean {
    const number = this.#openNumber(id)
    if (number === undefined || this.#find.get(id, tenant) === undefined) return false
    this.#cancel.run(now, number)
    this.#clear.run(number)
    return true
  }

  forget({ before }: Input<'execution.forget'>): boolean {
    return Number(this.#forget.run(before).changes) === FORGET_STEP
  }

  #openNumber(id: string): number | undefined {
    return (this.#findOpen.get(id) as { number: number } | undefined)?.number
  }

  #put(number: number, entry: JournalEntry): void {
    const { id, place, kind, name, state, value = null, dueAt = null, tries, version, at } = entry
    this.#write.run(number, id, place, kind, name, state, value, dueAt, tries, version, at)
  }
}

interface Row {
  readonly status: string
  readonly result: string | null
  readonly error: string | null
  readonly setbacks: number
  readonly dueAt: number | null
}

function rowOf(settlement: ExecutionSettlement): Row {
  const none = { result: null, error: null, setbacks: 0, dueAt: null }
  switch (settlement.kind) {
    case 'done':
      return { ...none, status: 'done', result: settlement.result }
    case 'failed':
      return { ...none, status: 'failed', error: JSON.stringify(settlement.error) }
    case 'suspended':
      return { ...none, status: 'suspended', dueAt: settlement.dueAt ?? null }
    case 'again':
      return { ...none, status: 'running', dueAt: settlement.dueAt, setbacks: settlement.setbacks }
  }
}
