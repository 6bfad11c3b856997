import type { Duplex } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import { type Bytes, bytes } from '../core/quantity.ts'
import { type Frame, FrameBatch, FrameReader } from '../wire/frame.ts'
import { type FromCell, decodeFromCell } from '../wire/from-cell.ts'
import { FROM_CELL_PAYLOAD_MAX } from '../wire/limits.ts'
import { Inflow } from './inflow.ts'

interface Parts {
  readonly socket: Duplex
  readonly clock: Clock
  /** Before the messages of a chunk of bytes are handed on. */
  readonly onChunk: () => void
  readonly onMessage: (message: FromCell) => void
  /** After the last one. */
  readonly onChunkEnd: () => void
  /** The cell has taken all that was sent to it, after more than it could take at once. */
  readonly onDrain: () => void
  /** The cell broke the protocol, or sends without end; nothing more is handed on. */
  readonly onViolation: (kind: 'protocol' | 'flood') => void
  /** The socket failed, as it does when the process is killed with messages unread: no fault of anybody's by itself. */
  readonly onBroken: () => void
}

/** What is collected before it is written without waiting for the end of the tick: a longer batch only copies itself. */
const BATCH_MAX = bytes(256 << 10)

/** Why a cell is not listened to: to let others have a turn, until its window ends, until what it asked for is done. */
type PauseReason = 'turn' | 'window' | 'full'

/** One cell's socket: messages in, checked by wire/ and counted; messages out, all of one tick in one write. */
export class Channel {
  /** Add messages here, then call {@link flushSoon}. */
  readonly batch = new FrameBatch()
  readonly #parts: Parts
  readonly #reader = new FrameReader(FROM_CELL_PAYLOAD_MAX)
  readonly #inflow: Inflow
  readonly #pauses = new Set<PauseReason>()
  #flushing = false
  #closed = false
  #windowEnd: NodeJS.Timeout | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#inflow = new Inflow(parts.clock)
    const { socket } = parts
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('drain', parts.onDrain)
    socket.on('error', () => {
      this.#closed = true
      parts.onBroken()
    })
  }

  /** What has been sent and the cell has not taken, as far as this process holds it. */
  get unread(): Bytes {
    return bytes(this.batch.size + this.#parts.socket.writableLength)
  }

  /** Writes what has been added when the current tick's work is done, or now if it is much. */
  flushSoon(): void {
    if (this.batch.size > BATCH_MAX) this.#flush()
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  /** Listens to nothing from the cell until {@link listen}. */
  mute(): void {
    this.#pause('full')
  }

  /** Ends {@link mute}. */
  listen(): void {
    this.#resume('full')
  }

  /** Nothing is handed on any more, whatever is still in the socket. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#windowEnd)
  }

  destroy(): void {
    this.close()
    this.#parts.socket.destroy()
  }

  #flush(): void {
    const { socket } = this.#parts
    if (this.batch.size > 0 && !socket.destroyed) socket.write(this.batch.take())
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return
    this.#parts.onChunk()
    this.#inflow.beginChunk()
    try {
      this.#reader.push(chunk, (frame) => this.#accept(frame))
    } catch {
      this.#fail('protocol')
      return
    }
    this.#parts.onChunkEnd()
    this.#moderate(chunk.length)
  }

  #accept(frame: Frame): void {
    if (this.#closed) return
    const message = decodeFromCell(frame)
    this.#inflow.count(message)
    this.#parts.onMessage(message)
  }

  /** Keeps a cell that sends much from having this thread to itself. */
  #moderate(size: number): void {
    switch (this.#inflow.endChunk(size)) {
      case 'listen':
        return
      case 'pause-turn':
        this.#pause('turn')
        setImmediate(() => {
          this.#inflow.endTurn()
          this.#resume('turn')
        })
        return
      case 'pause-window':
        this.#pause('window')
        this.#windowEnd ??= setTimeout(() => {
          this.#windowEnd = undefined
          this.#resume('window')
        }, this.#inflow.windowLeft)
        return
      case 'flood':
        return this.#fail('flood')
    }
  }

  #pause(reason: PauseReason): void {
    this.#pauses.add(reason)
    this.#parts.socket.pause()
  }

  #resume(reason: PauseReason): void {
    if (this.#pauses.delete(reason) && this.#pauses.size === 0) this.#parts.socket.resume()
  }

  #fail(kind: 'protocol' | 'flood'): void {
    if (this.#closed) return
    this.close()
    this.#parts.onViolation(kind)
  }
}
