import { HEADER_BYTES } from '../../src/wire/frame.ts'
import type { Random } from './gate.ts'

/** One frame, changed in one to three ways; its header stays long enough to be read. */
export function mutateFrame(frame: Buffer, random: Random, other: Buffer): Buffer {
  let changed = Buffer.from(frame)
  for (let count = 1 + random(3); count > 0; count -= 1) {
    switch (random(7)) {
      case 0:
        changed.writeUInt8(changed.readUInt8(4) ^ (1 << random(8)), 4)
        break
      case 1:
        changed.writeUInt32BE(random(2) === 0 ? random(4) : random(2 ** 32), 5)
        break
      case 2:
        changed = changed.subarray(0, HEADER_BYTES + random(changed.length - HEADER_BYTES + 1))
        break
      case 3:
        changed = Buffer.concat([changed, other.subarray(HEADER_BYTES)])
        break
      case 4:
        changed = Buffer.concat([changed.subarray(0, HEADER_BYTES), other.subarray(HEADER_BYTES)])
        break
      case 5:
        changed = Buffer.concat([
          changed.subarray(0, HEADER_BYTES),
          Buffer.from(Array.from({ length: random(64) }, () => random(256))),
        ])
        break
      default:
        changed[4 + random(changed.length - 4)] = random(256)
    }
  }
  return changed
}

/** Frames as a stream with bits flipped, bytes lost, doubled and spliced in, lengths changed; now and then nothing but noise. */
export function mutateStream(frames: readonly Buffer[], random: Random): Buffer {
  const pick = (): Buffer => frames[random(frames.length)] ?? Buffer.alloc(0)
  let piece = Buffer.concat(Array.from({ length: 1 + random(12) }, pick))
  if (random(20) === 0) piece = Buffer.from(Array.from({ length: random(500) }, () => random(256)))
  for (let count = random(3); count > 0 && piece.length > 8; count -= 1) {
    const at = random(piece.length - 4)
    const to = at + random(piece.length - at)
    switch (random(5)) {
      case 0:
        piece[at] = (piece[at] ?? 0) ^ (1 << random(8))
        break
      case 1:
        piece = Buffer.concat([piece.subarray(0, at), piece.subarray(to)])
        break
      case 2:
        piece = Buffer.concat([piece.subarray(0, to), piece.subarray(at, to), piece.subarray(to)])
        break
      case 3:
        piece = Buffer.concat([piece.subarray(0, at), pick().subarray(0, random(200)), piece.subarray(at)])
        break
      default:
        piece.writeUInt32BE(random(2) === 0 ? random(2 ** 32) : random(64), at)
    }
  }
  return piece
}

/** A stream in pieces as a socket may give them. */
export function* inChunks(stream: Buffer, random: Random): Generator<Buffer> {
  for (let at = 0; at < stream.length;) {
    const size = 1 + random(random(3) === 0 ? 8 : 1_500)
    // A copy: what is handed on must not be a view into what comes next.
    yield Buffer.from(stream.subarray(at, at + size))
    at += size
  }
}

/** Frames one after the other, each changed with a chance of one in `rarity`, with the length that it then has. */
export function mutateSome(frames: readonly Buffer[], random: Random, rarity: number, other: () => Buffer): Buffer {
  const changed = frames.map((frame) => {
    if (random(rarity) > 0) return frame
    const mutated = mutateFrame(frame, random, other())
    mutated.writeUInt32BE(mutated.length - 4, 0)
    return mutated
  })
  return Buffer.concat(changed)
}
