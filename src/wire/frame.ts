import type { Bytes } from '../core/quantity.ts'
import { bytes } from '../core/quantity.ts'

/**
 * A frame on the socket between host and cell: u32 length of what follows, u8 type, u32 run number, payload. All numbers
 * are big-endian. Run number 0 speaks of the cell itself.
 */
export const HEADER_BYTES = 9
/** Length field, type and run number are not counted in the payload. */
const COUNTED_HEADER_BYTES = 5

export interface Frame {
  readonly type: number
  readonly run: number
  /** A view into the receive buffer: valid until the reader is fed again, unless it is copied. */
  readonly payload: Buffer
}

/** A frame that breaks the protocol. The peer that sent it is not to be listened to any more. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

/**
 * Cuts a byte stream into frames. A frame longer than `payloadMax` throws FrameError before its payload is buffered, so
 * a hostile peer costs at most one frame of memory.
 */
export class FrameReader {
  readonly #payloadMax: number
  #held: Buffer = Buffer.alloc(0)

  constructor(payloadMax: Bytes) {
    this.#payloadMax = payloadMax
  }

  /** Feeds received bytes and calls `accept` for each frame that is complete, in order. */
  push(chunk: Buffer, accept: (frame: Frame) => void): void {
    let data = this.#held.length === 0 ? chunk : this.#join(chunk)
    let offset = 0
    while (data.length - offset >= HEADER_BYTES) {
      const length = data.readUInt32BE(offset)
      const payloadLength = length - COUNTED_HEADER_BYTES
      if (payloadLength < 0 || payloadLength > this.#payloadMax) {
        throw new FrameError(`a frame of ${length} bytes is outside 5 to ${this.#payloadMax + COUNTED_HEADER_BYTES}`)
      }
      const end = offset + HEADER_BYTES + payloadLength
      if (end > data.length) break
      accept({
        type: data.readUInt8(offset + 4),
        run: data.readUInt32BE(offset + 5),
        payload: data.subarray(offset + HEADER_BYTES, end),
      })
      offset = end
    }
    this.#held = offset === data.length ? Buffer.alloc(0) : data.subarray(offset)
  }

  /** Bytes of a frame that is not complete yet. */
  get held(): Bytes {
    return bytes(this.#pendingLength())
  }

  // A large frame arrives in many chunks; they are kept apart until it is complete, so that joining stays linear.
  #chunks: Buffer[] = []
  #chunked = 0

  #pendingLength(): number {
    return this.#held.length + this.#chunked
  }

  #join(chunk: Buffer): Buffer {
    this.#chunks.push(chunk)
    this.#chunked += chunk.length
    if (this.#held.length >= 4) {
      const whole = this.#held.readUInt32BE(0) + 4
      if (whole - 4 <= this.#payloadMax + COUNTED_HEADER_BYTES && this.#pendingLength() < whole) return this.#held
    }
    const joined = Buffer.concat([this.#held, ...this.#chunks])
    this.#chunks = []
    this.#chunked = 0
    return joined
  }
}

/** A part of a payload: text is written as UTF-8. */
export type Part = string | Uint8Array

/**
 * Collects frames and hands them on as one buffer, so that what happens in one tick costs one write.
 * Not bounded by itself: its owner flushes once a tick and stops feeding it while the socket is backed up.
 */
export class FrameBatch {
  #buffer = Buffer.allocUnsafe(16_384)
  #length = 0

  get size(): Bytes {
    return bytes(this.#length)
  }

  /** Appends a frame with a few fixed bytes, then its parts, one after the other. */
  add(type: number, run: number, head: Uint8Array, ...parts: readonly Part[]): void {
    const start = this.#length
    let capacity = HEADER_BYTES + head.length
    // Three bytes of UTF-8 a UTF-16 unit is the most there can be.
    for (const part of parts) capacity += typeof part === 'string' ? part.length * 3 : part.length
    this.#reserve(capacity)
    const buffer = this.#buffer
    let at = start + HEADER_BYTES
    buffer.set(head, at)
    at += head.length
    for (const part of parts) {
      if (typeof part === 'string') at += buffer.write(part, at, 'utf8')
      else {
        buffer.set(part, at)
        at += part.length
      }
    }
    buffer.writeUInt32BE(at - start - 4, start)
    buffer.writeUInt8(type, start + 4)
    buffer.writeUInt32BE(run, start + 5)
    this.#length = at
  }

  /** Everything since the last take, as one buffer that belongs to the caller. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length)
    // A fresh buffer: the taken one is on its way to the kernel and must not change.
    this.#buffer = Buffer.allocUnsafe(16_384)
    this.#length = 0
    return taken
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + more))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}
