import { randomBytes } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { EventQuota } from '../../core/policy.ts'
import type { DeadLetterCommands } from './dead-letter-commands.ts'

type Input<Kind extends keyof DeadLetterCommands> = DeadLetterCommands[Kind]['input']

const DAY_MS = 86_400_000

/** An event that was given up. */
export interface NewLetter {
  readonly id: string
  readonly function: string
  readonly target: string
  readonly trigger: string
  readonly input: string
  readonly depth: number
  readonly queue: string | null
  readonly orderingKey: string | null
  readonly attempts: number
  readonly run: string | null
  /** JSON text. */
  readonly error: string
  readonly createdAt: number
}

interface Totals {
  readonly letters: number
  readonly bytes: number
}

/** Keeps what was given up, inside the writer's transaction. */
export class DeadLetterWriter {
  readonly #totals: StatementSync
  readonly #insert: StatementSync
  readonly #deleteOldest: StatementSync
  readonly #edit: StatementSync
  readonly #delete: StatementSync

  constructor(database: DatabaseSync) {
    this.#totals = database.prepare('SELECT letters, letter_bytes AS bytes FROM event_totals WHERE tenant = ?')
    this.#insert = database.prepare(
      `INSERT INTO dead_letters (tenant, id, event, function, target, "trigger", input, depth, queue, ordering_key, attempts, run,
        error, created_at, failed_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#deleteOldest = database.prepare(
      'DELETE FROM dead_letters WHERE number = (SELECT min(number) FROM dead_letters WHERE tenant = ?)',
    )
    const mine = 'id = ? AND tenant = (SELECT number FROM tenants WHERE id = ?)'
    this.#edit = database.prepare(`UPDATE dead_letters SET input = ? WHERE ${mine}`)
    this.#delete = database.prepare(`DELETE FROM dead_letters WHERE ${mine}`)
  }

  edit({ tenant, id, input }: Input<'letter.edit'>): boolean {
    return this.#edit.run(input, id, tenant).changes !== 0
  }

  delete({ tenant, ids }: Input<'letter.delete'>): number {
    return ids.reduce((count, id) => count + Number(this.#delete.run(id, tenant).changes), 0)
  }

  /** Adds a letter. Past the quota the oldest ones make room: what fails now tells more than what failed before it. */
  add(tenant: number, letter: NewLetter, { deadLetters, deadLetterDays, storedBytes }: EventQuota, now: number): void {
    const {
      function: name,
      target,
      trigger,
      input,
      depth,
      queue,
      orderingKey,
      attempts,
      run,
      error,
      createdAt,
    } = letter
    const expiresAt = now + deadLetterDays * DAY_MS
    const how = [name, target, trigger, input, depth, queue, orderingKey, attempts, run, error, createdAt] as const
    this.#insert.run(tenant, createLetterId(), letter.id, ...how, now, expiresAt)
    for (;;) {
      const { letters, bytes } = this.#totals.get(tenant) as unknown as Totals
      if (letters <= 1 || (letters <= deadLetters && bytes <= storedBytes)) return
      this.#deleteOldest.run(tenant)
    }
  }
}

function createLetterId(): string {
  return `dead_${randomBytes(13).toString('hex')}`
}
