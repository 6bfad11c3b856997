import type { Clock } from '../core/clock.ts'
import { CloisterError } from '../core/errors.ts'
import { type Millis, millis } from '../core/quantity.ts'
import type { LedgerStore } from '../core/stores.ts'

/** Between two tries of a ledger that could not be written: soon enough for whoever has made room on the disk. */
const TRY_EVERY = millis(1_000)

interface Parts {
  readonly ledger: Pick<LedgerStore, 'tryWrite'>
  readonly clock: Clock
}

/**
 * Keeps runs from starting while the ledger cannot be written, because the disk is full or another program holds the
 * database: they could not be charged, and their callers would be told that they failed after their code had run.
 *
 * Shut by the first post that fails, hence only runs that were in progress by then are lost. Opens once the store has
 * committed something again, which is tried when somebody asks for a run, not by a timer.
 */
export class LedgerGate {
  readonly #parts: Parts
  #state: 'open' | 'shut' | 'trying' = 'open'
  #triedAt: Millis = millis(0)

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Throws OVERLOADED while the ledger cannot be written. */
  check(): void {
    if (this.#state === 'open') return
    if (this.#state === 'shut' && this.#parts.clock.elapsed() - this.#triedAt >= TRY_EVERY) this.#try()
    const message = 'the ledger cannot be written, so no run could be charged; nothing was started'
    throw new CloisterError('OVERLOADED', message, { retryAfterMs: TRY_EVERY })
  }

  /** Carries a post out, and shuts the gate if it fails. Rejects as it does. */
  async post(commit: () => Promise<void>): Promise<void> {
    try {
      await commit()
    } catch (error) {
      // Too many writes that wait is not a fault of the disk: the next ones may well be taken.
      if (!(error instanceof CloisterError) || error.code === 'INTERNAL') this.#shut()
      throw error
    }
  }

  #shut(): void {
    if (this.#state !== 'open') return
    this.#state = 'shut'
    this.#triedAt = this.#parts.clock.elapsed()
  }

  #try(): void {
    this.#state = 'trying'
    this.#parts.ledger.tryWrite().then(
      () => (this.#state = 'open'),
      () => {
        this.#state = 'shut'
        this.#triedAt = this.#parts.clock.elapsed()
      },
    )
  }
}
