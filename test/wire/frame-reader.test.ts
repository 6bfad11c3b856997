import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { bytes } from '../../src/core/quantity.ts'
import { type Frame, FrameBatch, FrameError, FrameReader } from '../../src/wire/frame.ts'
import { chunksOf } from './messages.ts'

const BOUND = bytes(1_000)
const COUNTED_HEADER_BYTES = 5

function header(length: number, type = 1, run = 1): Buffer {
  const head = Buffer.alloc(9)
  head.writeUInt32BE(length, 0)
  head.writeUInt8(type, 4)
  head.writeUInt32BE(run, 5)
  return head
}

function frameOf(payload: Uint8Array): Buffer {
  const batch = new FrameBatch()
  batch.add(1, 1, payload)
  return batch.take()
}

describe('a frame’s length', () => {
  test.each([0, 1, 4, 0x8000_0000, 0xffff_ffff, BOUND + COUNTED_HEADER_BYTES + 1])(
    'of %i is refused as soon as the header is there',
    (length) => {
      for (const size of [1, 4, 9]) {
        const reader = new FrameReader(BOUND)
        const feed = (): void => {
          for (const chunk of chunksOf(header(length), [size])) reader.push(chunk, () => expect.unreachable())
        }
        expect(feed).toThrow(FrameError)
        expect(reader.held).toBeLessThanOrEqual(9)
      }
    },
  )

  test('of exactly the bound is accepted, in one chunk and byte by byte', () => {
    const payload = Buffer.alloc(BOUND, 7)
    for (const size of [1, 10_000]) {
      const frames: Frame[] = []
      const reader = new FrameReader(BOUND)
      for (const chunk of chunksOf(frameOf(payload), [size])) reader.push(chunk, (frame) => frames.push(frame))
      expect(frames.map((frame) => frame.payload.equals(payload))).toEqual([true])
    }
  })

  test('of a frame without payload is accepted', () => {
    const frames: Frame[] = []
    new FrameReader(BOUND).push(header(5, 3, 9), (frame) => frames.push(frame))
    expect(frames).toEqual([{ type: 3, run: 9, payload: Buffer.alloc(0) }])
  })

  test('that is refused leaves the frames before it accepted', () => {
    const frames: number[] = []
    const feed = (): void =>
      new FrameReader(BOUND).push(Buffer.concat([frameOf(Buffer.alloc(3)), header(0)]), ({ payload }) =>
        frames.push(payload.length),
      )
    expect(feed).toThrow('outside 5 to 1005')
    expect(frames).toEqual([3])
  })
})

test('what is held is counted, and nothing is held between frames', () => {
  const reader = new FrameReader(BOUND)
  const frame = frameOf(Buffer.alloc(100))
  reader.push(frame.subarray(0, 50), () => expect.unreachable())
  expect(reader.held).toBe(50)
  reader.push(Buffer.alloc(0), () => expect.unreachable())
  expect(reader.held).toBe(50)
  let frames = 0
  reader.push(Buffer.concat([frame.subarray(50), frame.subarray(0, 7)]), () => (frames += 1))
  expect(frames).toBe(1)
  expect(reader.held).toBe(7)
})

test('bytes of the sender are never written to, nor are payloads that were handed out', () => {
  const reader = new FrameReader(BOUND)
  const first = Buffer.concat([frameOf(Buffer.alloc(20, 1)), frameOf(Buffer.alloc(30, 2)).subarray(0, 12)])
  const sent = Buffer.from(first)
  const payloads: Buffer[] = []
  const accept = ({ payload }: Frame): number => payloads.push(payload)
  reader.push(first, accept)
  for (const chunk of chunksOf(frameOf(Buffer.alloc(30, 2)).subarray(12), [1])) reader.push(chunk, accept)
  for (const chunk of chunksOf(frameOf(Buffer.alloc(30, 3)), [11])) reader.push(chunk, accept)
  expect(first).toEqual(sent)
  expect(payloads).toEqual([Buffer.alloc(20, 1), Buffer.alloc(30, 2), Buffer.alloc(30, 3)])
})

test('a frame that arrives byte by byte costs no more memory than two of it, and linear time', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const usedBytes = (): number => {
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const size = 5 << 20
  const frame = frameOf(Buffer.alloc(size, 5))
  const reader = new FrameReader(bytes(size))
  const before = usedBytes()
  let complete = 0
  for (let at = 0; at < frame.length - 1; at += 1) reader.push(frame.subarray(at, at + 1), () => (complete += 1))
  expect(usedBytes() - before).toBeLessThan(2.5 * size)
  reader.push(frame.subarray(-1), ({ payload }) => {
    complete += 1
    expect(payload.length).toBe(size)
  })
  expect(complete).toBe(1)
})
