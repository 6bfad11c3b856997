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
 * a hostile peer costs at most two frames of memory, and time that grows with its bytes only, whatever its chunks are.
 */
export class FrameReader {
  readonly #payloadMax: number
  /** The start of a frame that is not complete yet is in the first `#length` bytes. */
  #held: Buffer = Buffer.alloc(0)
  #length = 0

  constructor(payloadMax: Bytes) {
    this.#payloadMax = payloadMax
  }

  /** Feeds received bytes and calls `accept` for each frame that is complete, in order. */
  push(chunk: Buffer, accept: (frame: Frame) => void): void {
    const isHolding = this.#length > 0
    const data = isHolding ? this.#append(chunk) : chunk
    const end = this.#cut(data, accept)
    // As long as its first frame is incomplete the buffer is kept, with its room to grow.
    if (end > 0 || !isHolding) this.#held = data.subarray(end)
    this.#length = data.length - end
  }

  /** Bytes of a frame that is not complete yet. */
  get held(): Bytes {
    return bytes(this.#length)
  }

  /** Accepts all frames that are complete; returns where the last one ends. */
  #cut(data: Buffer, accept: (frame: Frame) => void): number {
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
    return offset
  }

  /** What is held with a chunk behind it. Room is doubled, so that a frame in many small chunks stays linear. */
  #append(chunk: Buffer): Buffer {
    const length = this.#length + chunk.length
    if (length > this.#held.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, this.#held.length * 2))
      this.#held.copy(grown, 0, 0, this.#length)
      this.#held = grown
    }
    chunk.copy(this.#held, this.#length)
    return this.#held.subarray(0, length)
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
