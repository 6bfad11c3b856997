import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Details with as many logs as policies commonly allow. */
const ROOM_BYTES = 128 << 10
/** No run has this id. Its time is 0, so that a sweep takes what a crash leaves over. */
const ROW = 'room'

/** Finds out whether there is room for records, by taking some. Two commands, so that both are committed. */
export class RoomWriter {
  readonly #take: StatementSync
  readonly #giveBack: StatementSync

  constructor(database: DatabaseSync) {
    this.#take = database.prepare('INSERT OR REPLACE INTO run_details (run, started_at, details) VALUES (?, 0, ?)')
    this.#giveBack = database.prepare('DELETE FROM run_details WHERE run = ?')
  }

  take(): void {
    this.#take.run(ROW, ' '.repeat(ROOM_BYTES))
  }

  giveBack(): void {
    this.#giveBack.run(ROW)
  }
}
