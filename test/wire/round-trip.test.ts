import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytes } from '../../src/core/quantity.ts'
import { FrameBatch, FrameReader } from '../../src/wire/frame.ts'
import { decodeFromCell, fromCell } from '../../src/wire/from-cell.ts'
import { FROM_CELL_PAYLOAD_MAX, TO_CELL_PAYLOAD_MAX } from '../../src/wire/limits.ts'
import { decodeToCell, toCell } from '../../src/wire/to-cell.ts'
import { cellMessages, chunksOf, comparable, hostMessages } from './messages.ts'

const RUNS = { numRuns: 300 }
const chunkSizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 5_000 })), {
  minLength: 1,
  maxLength: 8,
})

describe('whatever the chunks of the stream are', () => {
  test('every message of the host arrives as it was meant, in order', () => {
    fc.assert(
      fc.property(fc.array(hostMessages, { maxLength: 12 }), chunkSizes, (samples, sizes) => {
        const batch = new FrameBatch()
        for (const { write } of samples) write(batch)
        const reader = new FrameReader(TO_CELL_PAYLOAD_MAX)
        const received: unknown[] = []
        for (const chunk of chunksOf(batch.take(), sizes)) {
          reader.push(chunk, (frame) => received.push(decodeToCell(frame)))
        }
        expect(received).toEqual(samples.map(({ expected }) => expected))
        expect(reader.held).toBe(0)
      }),
      RUNS,
    )
  })

  test('every message of a cell arrives as it was meant, in order', () => {
    fc.assert(
      fc.property(fc.array(cellMessages, { maxLength: 12 }), chunkSizes, (samples, sizes) => {
        const batch = new FrameBatch()
        for (const { write } of samples) write(batch)
        const reader = new FrameReader(FROM_CELL_PAYLOAD_MAX)
        const received: unknown[] = []
        for (const chunk of chunksOf(batch.take(), sizes)) {
          reader.push(chunk, (frame) => received.push(comparable(decodeFromCell(frame))))
        }
        expect(received).toEqual(samples.map(({ expected }) => expected))
        expect(reader.held).toBe(0)
      }),
      RUNS,
    )
  })

  test('a hundred thousand messages in one chunk are all read', () => {
    const batch = new FrameBatch()
    for (let run = 0; run < 100_000; run += 1) fromCell.entered(batch, run)
    let next = 0
    new FrameReader(FROM_CELL_PAYLOAD_MAX).push(batch.take(), (frame) => {
      expect(decodeFromCell(frame)).toEqual({ kind: 'entered', run: next })
      next += 1
    })
    expect(next).toBe(100_000)
  })

  test.each([1, 3, 65_536, 5_000_000])('a result of 4 MB between small messages arrives in chunks of %i', (size) => {
    const result = JSON.stringify('ä€😀'.repeat(400_000))
    const batch = new FrameBatch()
    fromCell.entered(batch, 1)
    fromCell.done(batch, 1, 'ok', 'warm', result)
    fromCell.entered(batch, 2)
    const reader = new FrameReader(FROM_CELL_PAYLOAD_MAX)
    const received: unknown[] = []
    for (const chunk of chunksOf(batch.take(), [size])) {
      reader.push(chunk, (frame) => received.push(comparable(decodeFromCell(frame))))
    }
    expect(received).toEqual([
      { kind: 'entered', run: 1 },
      { kind: 'done', run: 1, status: 'ok', cold: false, error: undefined, text: result },
      { kind: 'entered', run: 2 },
    ])
  })
})

describe('a batch', () => {
  test('that was taken does not change when more is added', () => {
    const batch = new FrameBatch()
    toCell.cancel(batch, 1)
    const taken = batch.take()
    const before = Buffer.from(taken)
    toCell.cancel(batch, 2)
    expect(taken).toEqual(before)
    expect(batch.size).toBe(before.length)
    expect(batch.take().length).toBe(before.length)
    expect(batch.size).toBe(0)
  })

  test('writes half a surrogate pair as the replacement character, and counts it right', () => {
    const batch = new FrameBatch()
    fromCell.log(batch, 7, 1, 'a\ud800b')
    fromCell.entered(batch, 8)
    const received: unknown[] = []
    new FrameReader(bytes(100)).push(batch.take(), (frame) => received.push(decodeFromCell(frame)))
    expect(received).toEqual([
      { kind: 'log', run: 7, line: { level: 'info', message: 'a\ufffdb' } },
      { kind: 'entered', run: 8 },
    ])
  })
})
