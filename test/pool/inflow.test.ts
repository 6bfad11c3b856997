import { beforeEach, expect, test } from 'vitest'
import { bytes, epochMillis, millis } from '../../src/core/quantity.ts'
import { Inflow, type InflowLimits } from '../../src/pool/inflow.ts'
import type { FromCell } from '../../src/wire/from-cell.ts'

const LIMITS: InflowLimits = {
  window: millis(100),
  frames: 100,
  size: bytes(1_000),
  reads: 10,
  floodedWindows: 3,
  turnFrames: 20,
  turnSize: bytes(200),
}
const ENTERED: FromCell = { kind: 'entered', run: 1 }
const CALL: FromCell = { kind: 'call', run: 1, call: 1, operation: 'kv.get', payload: '[]' }

let nowMs = 0
let inflow: Inflow
beforeEach(() => {
  nowMs = 1_000
  inflow = new Inflow({ now: () => epochMillis(nowMs), elapsed: () => millis(nowMs) }, LIMITS)
})

function chunk(frames: number, size = frames, frame = ENTERED) {
  inflow.beginChunk()
  for (let index = 0; index < frames; index += 1) inflow.count(frame)
  return inflow.endChunk(size)
}

test('a cell that sends little is listened to, for ever', () => {
  for (let turn = 0; turn < 1_000; turn += 1) {
    expect(chunk(5)).toBe('listen')
    inflow.endTurn()
    nowMs += 11
  }
})

test.each([
  ['frames', 21, 0],
  ['bytes', 1, 201],
])('many %s in one turn let the others have theirs first', (_, frames, size) => {
  expect(chunk(frames, size)).toBe('pause-turn')
  inflow.endTurn()
  expect(chunk(1)).toBe('listen')
})

test.each([
  ['frames', 101, 0],
  ['bytes', 1, 1_001],
])('too many %s are paused until the window ends, and in three windows are a flood', (_, frames, size) => {
  for (let window = 0; window < 2; window += 1) {
    expect(chunk(frames, size)).toBe('pause-window')
    expect(inflow.windowLeft).toBe(100)
    nowMs += 100
  }
  expect(chunk(frames, size)).toBe('flood')
})

test('a quiet window pays for a flooded one', () => {
  for (let round = 0; round < 10; round += 1) {
    expect(chunk(101)).toBe('pause-window')
    nowMs += 100
    expect(chunk(101)).toBe('pause-window')
    for (let quiet = 0; quiet < 3; quiet += 1) {
      nowMs += 100
      expect(chunk(1)).not.toBe('flood')
    }
  }
})

test('a call counts as several frames: it is more work', () => {
  expect(chunk(13, 0, CALL)).toBe('pause-window')
})

test('what comes in crumbs is left to gather, and is no flood however long it goes on', () => {
  for (let window = 0; window < 10; window += 1) {
    inflow.endTurn()
    for (let read = 0; read < 10; read += 1) expect(chunk(0, 1)).toBe('listen')
    expect(chunk(0, 1)).toBe('pause-window')
    nowMs += 100
  }
})

test('the window left is what is left of it', () => {
  chunk(1)
  nowMs += 30
  expect(inflow.windowLeft).toBe(70)
  nowMs += 300
  expect(inflow.windowLeft).toBe(0)
})
