import type { Clock } from '../core/clock.ts'
import { type Bytes, type Millis, bytes, millis } from '../core/quantity.ts'
import type { FromCell } from '../wire/from-cell.ts'

/** What one cell may send in a window of time, and in a turn of the event loop. */
export interface InflowLimits {
  readonly window: Millis
  /** In frames: a call weighs {@link CALL_WEIGHT}. The fastest cell was measured at 350,000 a second; this is three times that. */
  readonly frames: number
  /** 640 MiB a second: more than this thread can pass on to anybody. */
  readonly size: Bytes
  /** Reads of its socket. One costs this thread ten times a frame, so what comes in crumbs is left to gather. */
  readonly reads: number
  /** Windows that were used up, less those that were not, that end the cell: two seconds. */
  readonly floodedWindows: number
  /** Frames after which the others have their turn: about a millisecond. */
  readonly turnFrames: number
  readonly turnSize: Bytes
}

export const INFLOW_LIMITS: InflowLimits = Object.freeze({
  window: millis(100),
  frames: 100_000,
  size: bytes(64 << 20),
  reads: 5_000,
  floodedWindows: 20,
  turnFrames: 4_000,
  turnSize: bytes(1 << 20),
})

/** What a call costs this thread, in frames. */
const CALL_WEIGHT = 8

/** What is to be done after a chunk: listen on; first let the others have a turn; not before the window ends; never again. */
export type Verdict = 'listen' | 'pause-turn' | 'pause-window' | 'flood'

/**
 * Counts what one cell sends. The bounds are far above what a cell of ours can do, so they are no limit of a tenant's: they
 * keep a cell that was taken over from having this thread to itself until it is killed.
 */
export class Inflow {
  readonly #clock: Clock
  readonly #limits: InflowLimits
  #windowStartMs = -Infinity
  #frames = 0
  #size = 0
  #reads = 0
  #floodedWindows = 0
  #turnFrames = 0
  #turnSize = 0

  constructor(clock: Clock, limits: InflowLimits = INFLOW_LIMITS) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Bytes have come: what they hold belongs to the window of this moment. */
  beginChunk(): void {
    const { window, frames, size } = this.#limits
    const nowMs = this.#clock.elapsed()
    if (nowMs - this.#windowStartMs < window) return
    const wasFlooded = this.#frames > frames || this.#size > size
    // One quiet window pays for one flooded: on a machine that is short of time even a flood has gaps.
    this.#floodedWindows = wasFlooded ? this.#floodedWindows + 1 : Math.max(0, this.#floodedWindows - 1)
    this.#windowStartMs = nowMs
    this.#frames = 0
    this.#size = 0
    this.#reads = 0
  }

  /** A frame has been read. */
  count({ kind }: FromCell): void {
    const weight = kind === 'call' ? CALL_WEIGHT : 1
    this.#frames += weight
    this.#turnFrames += weight
  }

  /** The frames of a chunk have been counted. */
  endChunk(size: number): Verdict {
    this.#size += size
    this.#turnSize += size
    this.#reads += 1
    const { frames, size: sizeMax, reads, floodedWindows, turnFrames, turnSize } = this.#limits
    if (this.#frames > frames || this.#size > sizeMax) {
      return this.#floodedWindows + 1 >= floodedWindows ? 'flood' : 'pause-window'
    }
    if (this.#reads > reads) return 'pause-window'
    return this.#turnFrames > turnFrames || this.#turnSize > turnSize ? 'pause-turn' : 'listen'
  }

  /** The others have had their turn. */
  endTurn(): void {
    this.#turnFrames = 0
    this.#turnSize = 0
  }

  /** Time until the window ends. */
  get windowLeft(): Millis {
    return millis(Math.max(0, this.#windowStartMs + this.#limits.window - this.#clock.elapsed()))
  }
}
