import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { EventSourceCommands } from './event-source-commands.ts'
import type { InvocationWriter } from './invocation-writer.ts'

type Input<Kind extends keyof EventSourceCommands> = EventSourceCommands[Kind]['input']

/** A schedule that has no next time. */
const NEVER = Number.MAX_SAFE_INTEGER

/** Moves schedules on inside the writer's transaction. */
export class ScheduleWriter {
  readonly #invocations: InvocationWriter
  readonly #move: StatementSync
  readonly #pause: StatementSync

  constructor(database: DatabaseSync, invocations: InvocationWriter) {
    this.#invocations = invocations
    this.#move = database.prepare(
      `UPDATE function_triggers SET next_at = ?, last_at = ifnull(?, last_at) WHERE number = ? AND next_at IS ? AND paused = 0`,
    )
    this.#pause = database.prepare(
      `UPDATE function_triggers SET paused = ?1, next_at = iif(?1, next_at, NULL)
      WHERE number = ?2 AND kind = 'schedule' AND tenant = (SELECT number FROM tenants WHERE id = ?3)`,
    )
  }

  /** A time whose event finds no room is passed over: it is not tried for ever. */
  keep({ number, expected, next, last, events, quota, now }: Input<'schedule.keep'>): boolean {
    if (this.#move.run(next ?? NEVER, last, number, expected).changes === 0) return false
    for (const invocation of events) this.#invocations.enqueue({ invocation, quota, now })
    return true
  }

  pause({ tenant, number, paused }: Input<'schedule.pause'>): boolean {
    return this.#pause.run(paused, number, tenant).changes !== 0
  }
}
