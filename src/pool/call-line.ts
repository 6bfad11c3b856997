import { bytes } from '../core/quantity.ts'
import type { FromCell } from '../wire/from-cell.ts'
import { toCell } from '../wire/to-cell.ts'
import type { Channel } from './channel.ts'
import { type RunInCell, startCall } from './run-in-cell.ts'

/** Calls of one cell that are carried out at the same time. Each may hold an answer in memory; the rest wait as they came. */
const IN_PROGRESS_MAX = 32
/** Calls that may wait for a client for as long as it likes. A run has few at once: see STREAM_CALLS_MAX. */
const PATIENT = /^http\./
/** Answers and starts that the cell has not read. Past it no further call is carried out until it reads. */
export const UNREAD_MAX = bytes(4 << 20)
/** Arguments of calls that wait. Past it nothing more is read from the cell. */
const WAITING_MAX = bytes(16 << 20)

type Call = FromCell & { readonly kind: 'call' }

interface Parts {
  readonly channel: Pick<Channel, 'batch' | 'flushSoon' | 'unread' | 'mute' | 'listen'>
  /** Whether a run is still in the cell. */
  readonly has: (run: RunInCell) => boolean
}

/**
 * The capability calls of one cell: carried out in the order in which they came, some at a time, and none while the cell does
 * not read what it asked for. So a cell that asks and does not read costs a bounded memory, and its own run's time.
 */
export class CallLine {
  readonly #parts: Parts
  readonly #waiting: { readonly run: RunInCell; readonly call: Call }[] = []
  #waitingLength = 0
  #inProgress = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Takes a call of a run. Throws FrameError for one that a cell of ours would not make. */
  add(run: RunInCell, call: Call): void {
    startCall(run, call)
    this.#waiting.push({ run, call })
    this.#waitingLength += call.payload.length
    this.advance()
  }

  /** Carries out what may be carried out now. */
  advance(): void {
    const { channel } = this.#parts
    let count = 0
    while (this.#inProgress < IN_PROGRESS_MAX && channel.unread <= UNREAD_MAX) {
      const next = this.#waiting[count]
      if (next === undefined) break
      count += 1
      this.#waitingLength -= next.call.payload.length
      if (this.#parts.has(next.run)) void this.#carryOut(next.run, next.call)
    }
    if (count > 0) this.#waiting.splice(0, count)
    if (this.#waitingLength > WAITING_MAX) channel.mute()
    else channel.listen()
  }

  /** The cell is gone: nothing that waits is carried out. */
  clear(): void {
    this.#waiting.length = 0
    this.#waitingLength = 0
  }

  async #carryOut(run: RunInCell, { call, operation, payload }: Call): Promise<void> {
    const { channel, has } = this.#parts
    // A slow client must not keep the cell's other runs from their calls.
    const places = PATIENT.test(operation) ? 0 : 1
    this.#inProgress += places
    const { ok, text } = await run.session.call(operation, payload)
    this.#inProgress -= places
    if (has(run)) {
      run.pendingCalls -= 1
      toCell.answer(channel.batch, run.number, { call, ok, text })
      channel.flushSoon()
    }
    if (this.#waiting.length > 0) this.advance()
  }
}
