import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import type { IdempotencyBegun } from '../../core/idempotency.ts'
import type { InvocationCommands } from './invocation-commands.ts'
import type { InvocationWriter } from './invocation-writer.ts'

type Input<Kind extends keyof InvocationCommands> = InvocationCommands[Kind]['input']

interface Row {
  readonly number: number
  readonly request: string
  readonly answer: string | null
  readonly expires_at: number
}

/** Remembers calls by the keys that callers gave them, inside the writer's transaction. */
export class IdempotencyWriter {
  readonly #invocations: InvocationWriter
  readonly #tenant: StatementSync
  readonly #totals: StatementSync
  readonly #find: StatementSync
  readonly #insert: StatementSync
  readonly #answer: StatementSync
  readonly #delete: StatementSync
  readonly #forget: StatementSync

  constructor(database: DatabaseSync, invocations: InvocationWriter) {
    this.#invocations = invocations
    this.#tenant = database.prepare('SELECT number FROM tenants WHERE id = ?')
    this.#totals = database.prepare('SELECT keys, key_bytes AS bytes FROM event_totals WHERE tenant = ?')
    this.#find = database.prepare('SELECT * FROM idempotency WHERE tenant = ? AND function = ? AND key = ?')
    this.#insert = database.prepare(
      'INSERT INTO idempotency (tenant, function, key, request, answer, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#answer = database.prepare('UPDATE idempotency SET answer = ? WHERE number = ?')
    this.#delete = database.prepare('DELETE FROM idempotency WHERE number = ?')
    this.#forget = database.prepare('DELETE FROM idempotency WHERE answer IS NULL')
  }

  /** Throws NOT_FOUND if there is no such tenant. */
  begin(input: Input<'idempotency.begin'>): IdempotencyBegun {
    const tenant = this.#tenantOf(input.tenant)
    const found = this.#find.get(tenant, input.function, input.key) as Row | undefined
    if (found !== undefined && found.expires_at > input.now) {
      if (found.request !== input.request) return { outcome: 'mismatch' }
      return found.answer === null ? { outcome: 'running' } : { outcome: 'answered', answer: found.answer }
    }
    if (found !== undefined) this.#delete.run(found.number)
    const { keys, bytes } = (this.#totals.get(tenant) ?? NOTHING) as unknown as typeof NOTHING
    if (keys >= input.quota.idempotencyKeys || bytes > input.quota.storedBytes) return { outcome: 'keys-exceeded' }
    const outcome = input.enqueue === null ? 'done' : this.#invocations.enqueue(input.enqueue)
    if (outcome !== 'done') return { outcome }
    this.#insert.run(tenant, input.function, input.key, input.request, input.answer, input.expiresAt)
    return { outcome: 'new' }
  }

  /** Whether the answer is kept. */
  finish({ tenant: id, function: name, key, answer, bytesMax }: Input<'idempotency.finish'>): boolean {
    const tenant = this.#tenantOf(id)
    const found = this.#find.get(tenant, name, key) as Row | undefined
    if (found === undefined) return false
    const { bytes } = (this.#totals.get(tenant) ?? NOTHING) as unknown as typeof NOTHING
    const isKept = answer !== null && bytes + Buffer.byteLength(answer) <= bytesMax
    if (isKept) this.#answer.run(answer, found.number)
    else this.#delete.run(found.number)
    return isKept
  }

  /** Calls that were running when their host ended may be made again. */
  forgetRunning(): void {
    this.#forget.run()
  }

  #tenantOf(id: string): number {
    const found = this.#tenant.get(id) as { number: number } | undefined
    if (found === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${id}`)
    return found.number
  }
}

const NOTHING = { keys: 0, bytes: 0 }
