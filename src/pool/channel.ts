import type { Duplex } from 'node:stream'
import { type Frame, FrameBatch, FrameError, FrameReader } from '../wire/frame.ts'
import { type FromCell, decodeFromCell } from '../wire/from-cell.ts'
import { FROM_CELL_PAYLOAD_MAX } from '../wire/limits.ts'

interface Parts {
  readonly socket: Duplex
  /** Before the messages of a chunk of bytes are handed on. */
  readonly onChunk: () => void
  readonly onMessage: (message: FromCell) => void
  /** After the last one. */
  readonly onChunkEnd: () => void
  /** The cell broke the protocol; nothing more is handed on. */
  readonly onViolation: (error: unknown) => void
  /** The socket failed, as it does when the process is killed with messages unread: no fault of anybody's by itself. */
  readonly onBroken: () => void
}

/** Frames a cell may send between two calls of {@link Channel.allowMore}: several times what the fastest cell sends a second. */
const FRAMES_MAX = 2_000_000

/** One cell's socket: messages in, checked by wire/; messages out, all of one tick in one write. */
export class Channel {
  /** Add messages here, then call {@link flushSoon}. */
  readonly batch = new FrameBatch()
  readonly #parts: Parts
  readonly #reader = new FrameReader(FROM_CELL_PAYLOAD_MAX)
  #frames = 0
  #flushing = false
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
    parts.socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    parts.socket.on('error', () => {
      this.#closed = true
      parts.onBroken()
    })
  }

  /** Writes what has been added when the current tick's work is done. */
  flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      const { socket } = this.#parts
      if (this.batch.size > 0 && !socket.destroyed) socket.write(this.batch.take())
    })
  }

  /** Called once a second: the cell may send as much again. */
  allowMore(): void {
    this.#frames = 0
  }

  /** Nothing is handed on any more, whatever is still in the socket. */
  close(): void {
    this.#closed = true
  }

  destroy(): void {
    this.#closed = true
    this.#parts.socket.destroy()
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return
    this.#parts.onChunk()
    try {
      this.#reader.push(chunk, (frame) => this.#accept(frame))
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#parts.onChunkEnd()
  }

  #accept(frame: Frame): void {
    if (this.#closed) return
    this.#frames += 1
    if (this.#frames > FRAMES_MAX) throw new FrameError('a cell floods the wire')
    this.#parts.onMessage(decodeFromCell(frame))
  }

  #fail(error: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#parts.onViolation(error)
  }
}
