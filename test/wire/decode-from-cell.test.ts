import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytes } from '../../src/core/quantity.ts'
import { type Frame, FrameBatch, FrameError, FrameReader } from '../../src/wire/frame.ts'
import { CELL_STATUSES, FROM_CELL, type FromCell, LOG_LEVELS, decodeFromCell } from '../../src/wire/from-cell.ts'
import {
  CALL_PAYLOAD_MAX,
  ERROR_PAYLOAD_MAX,
  FROM_CELL_PAYLOAD_MAX,
  INSPECTION_PAYLOAD_MAX,
  LOG_MESSAGE_MAX,
  OPERATION_MAX,
} from '../../src/wire/limits.ts'
import { cellMessages, hostMessages } from './messages.ts'

const FRAMES = Number(process.env['FUZZ_FRAMES'] ?? 20_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 42)
const ERROR_FIELD_MAX = 16_384

/** Whole numbers below a bound from a seed (mulberry32), so that a failure can be had again. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const frame = (type: number, payload: Uint8Array, run = 1): Frame => ({ type, run, payload: Buffer.from(payload) })
const done = (status: (typeof CELL_STATUSES)[number], text: string): Frame =>
  frame(FROM_CELL.done, Buffer.concat([Buffer.of(CELL_STATUSES.indexOf(status), 0), Buffer.from(text)]))

/** All that a message may be. Compares by exact fields, so that nothing else of what was sent lives on. */
function checkWellFormed(message: FromCell): void {
  const fields = Object.keys(message).toSorted().join()
  expect(Object.getPrototypeOf(message)).toBe(Object.prototype)
  switch (message.kind) {
    case 'ready':
      return expect(fields).toBe('kind')
    case 'entered':
    case 'yielded':
      expect(message.run).toSatisfy(Number.isInteger)
      return expect(fields).toBe('kind,run')
    case 'call':
      expect(fields).toBe('call,kind,operation,payload,run')
      expect(message.operation.length).toBeLessThanOrEqual(OPERATION_MAX)
      expect(message.payload.length).toBeLessThanOrEqual(CALL_PAYLOAD_MAX)
      return expect(message.call).toSatisfy(Number.isInteger)
    case 'log':
      expect(fields).toBe('kind,line,run')
      expect(LOG_LEVELS).toContain(message.line.level)
      expect(message.line.message).toBeTypeOf('string')
      return expect(message.line.message.length).toBeLessThanOrEqual(LOG_MESSAGE_MAX)
    case 'inspected':
      expect(fields).toBe('kind,run,text,what')
      expect(['message', 'profile']).toContain(message.what)
      return expect(message.text.length).toBeLessThanOrEqual(INSPECTION_PAYLOAD_MAX)
    case 'done':
      expect(fields).toBe('cold,error,kind,result,run,status')
      expect(CELL_STATUSES).toContain(message.status)
      expect(message.cold).toBeTypeOf('boolean')
      expect(message.result.length).toBeLessThanOrEqual(FROM_CELL_PAYLOAD_MAX)
      if (message.status === 'suspended') expect(message.result.length).toBe(0)
      if (message.status === 'ok' || message.status === 'suspended') return expect(message.error).toBeUndefined()
      expect(Object.keys(message.error ?? {})).toEqual(['name', 'message', 'stack'])
      for (const field of Object.values(message.error ?? {})) {
        expect(field).toBeTypeOf('string')
        expect(field.length).toBeLessThanOrEqual(ERROR_FIELD_MAX)
      }
  }
}

/** Decodes and returns what came of it; anything but a message or a FrameError fails the test. */
function outcomeOf(given: Frame): 'message' | 'refused' {
  let message: FromCell
  try {
    message = decodeFromCell(given)
  } catch (error) {
    expect(error).toBeInstanceOf(FrameError)
    return 'refused'
  }
  checkWellFormed(message)
  return 'message'
}

describe(`${FRAMES} frames of a hostile cell, seed ${SEED}`, () => {
  const valid = (() => {
    const batch = new FrameBatch()
    for (const { write } of fc.sample(cellMessages, { numRuns: 2_000, seed: SEED })) write(batch)
    for (const { write } of fc.sample(hostMessages, { numRuns: 300, seed: SEED })) write(batch)
    return batch.take()
  })()
  const frames: Frame[] = []
  new FrameReader(FROM_CELL_PAYLOAD_MAX).push(Buffer.from(valid), (each) => frames.push(each))

  test('of random bytes are each a well-formed message or a FrameError', () => {
    const random = randomOf(SEED)
    const prototype = Object.getOwnPropertyNames(Object.prototype)
    const outcomes = { message: 0, refused: 0 }
    for (let count = 0; count < FRAMES; count += 1) {
      // Small numbers in front now and then: those that mean something there.
      // Every other payload is UTF-8.
      const range = random(2) > 0 ? 256 : 128
      const payload = Buffer.alloc(random(64)).map((_, at) => random(at < 6 && random(2) > 0 ? 4 : range))
      outcomes[outcomeOf(frame(random(9), payload, random(2 ** 32)))] += 1
    }
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype)
    expect(outcomes.message).toBeGreaterThan(FRAMES / 20)
    expect(outcomes.refused).toBeGreaterThan(FRAMES / 20)
  })

  test('made by changing good ones are each a well-formed message or a FrameError', () => {
    const random = randomOf(SEED + 1)
    const prototype = Object.getOwnPropertyNames(Object.prototype)
    const outcomes = { message: 0, refused: 0 }
    for (let count = 0; count < FRAMES; count += 1) {
      const base = frames[random(frames.length)]!
      outcomes[outcomeOf(mutate(base, random))] += 1
    }
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype)
    expect(outcomes.message).toBeGreaterThan(FRAMES / 20)
    expect(outcomes.refused).toBeGreaterThan(FRAMES / 20)
  })

  test('in a stream with flipped, lost and doubled bytes end in messages and at most one FrameError', () => {
    const random = randomOf(SEED + 2)
    for (let count = 0; count < FRAMES / 20; count += 1) {
      const from = random(valid.length)
      const stream = mutateBytes(Buffer.from(valid.subarray(from, from + random(2_000))), random)
      const reader = new FrameReader(bytes(10_000))
      try {
        for (let at = 0; at < stream.length;) {
          const size = 1 + random(500)
          reader.push(stream.subarray(at, at + size), (each) => checkWellFormed(decodeFromCell(each)))
          at += size
        }
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError)
      }
      expect(reader.held).toBeLessThanOrEqual(10_009 + 500)
    }
  })
})

function mutate({ type, run, payload }: Frame, random: (below: number) => number): Frame {
  return random(10) < 1 ? frame(random(256), payload, run) : frame(type, mutateBytes(Buffer.from(payload), random), run)
}

function mutateBytes(given: Buffer, random: (below: number) => number): Buffer {
  let changed = given
  for (let times = random(4); times >= 0; times -= 1) {
    const at = random(changed.length)
    const action = random(5)
    if (action === 0 && changed.length > 0) changed[at] = random(256)
    else if (action === 1) changed = changed.subarray(0, at)
    else if (action === 2) changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at + 1)])
    else if (action === 3) changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at / 2)])
    else if (changed.length > 0) changed[at] = (changed[at] ?? 0) ^ (1 << random(8))
  }
  return changed
}

describe('an error from a cell', () => {
  test.each([
    ['an empty object', '{}', { name: '', message: '', stack: '' }],
    ['a list', '[1, 2]', { name: '', message: '', stack: '' }],
    ['a number', '5', { name: '', message: '', stack: '' }],
    ['null', 'null', { name: '', message: '', stack: '' }],
    [
      'fields of other kinds',
      '{"name":5,"message":{"toString":"x"},"stack":["a"]}',
      { name: '', message: '', stack: '' },
    ],
    ['more fields', '{"name":"N","message":"m","stack":"s","status":"ok"}', { name: 'N', message: 'm', stack: 's' }],
    [
      'fields by way of __proto__',
      '{"__proto__":{"name":"forged","message":"forged"},"stack":"s"}',
      { name: '', message: '', stack: 's' },
    ],
    ['fields of Object.prototype', '{"constructor":{"prototype":{"name":"x"}}}', { name: '', message: '', stack: '' }],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]).toString('latin1'), { name: '', message: '', stack: '' }],
  ])('that is %s is rebuilt from strings only', (_, text, error) => {
    const message = decodeFromCell(done('error', text))
    expect(message).toMatchObject({ status: 'error' })
    expect((message as FromCell & { kind: 'done' }).error).toEqual(error)
    expect(Reflect.has({}, 'name')).toBe(false)
  })

  test('with long fields has each of them cut', () => {
    const message = decodeFromCell(done('error', JSON.stringify({ name: 'x'.repeat(20_000), message: 'm', stack: '' })))
    expect((message as FromCell & { kind: 'done' }).error?.name).toHaveLength(ERROR_FIELD_MAX)
  })

  test('of thirty thousand nested lists is read without harm', () => {
    const depth = 30_000
    expect(outcomeOf(done('error', '['.repeat(depth) + ']'.repeat(depth)))).toBe('message')
  })
})

describe('what a cell of ours would not send is refused', () => {
  const call = (name: number, rest: number): Buffer =>
    Buffer.concat([Buffer.from([0, 0, 0, 1, name]), Buffer.alloc(rest)])
  test.each([
    ['type 0', frame(0, Buffer.alloc(0))],
    ['type 8', frame(8, Buffer.alloc(0))],
    ['type 255', frame(255, Buffer.alloc(0))],
    ['a ready cell with a payload', frame(FROM_CELL.ready, Buffer.alloc(1), 0)],
    ['a ready cell that names a run', frame(FROM_CELL.ready, Buffer.alloc(0), 1)],
    ['an entry with a payload', frame(FROM_CELL.entered, Buffer.alloc(1))],
    ['the end of an entry with a payload', frame(FROM_CELL.yielded, Buffer.alloc(1))],
    ['a call without a head', frame(FROM_CELL.call, Buffer.alloc(4))],
    ['a call whose name ends behind it', frame(FROM_CELL.call, call(10, 9))],
    ['a call with a long name', frame(FROM_CELL.call, call(OPERATION_MAX + 1, 200))],
    ['a call with long arguments', frame(FROM_CELL.call, call(0, CALL_PAYLOAD_MAX + 1))],
    ['a log message without a level', frame(FROM_CELL.log, Buffer.alloc(0))],
    ['a log message of an unknown level', frame(FROM_CELL.log, Buffer.of(LOG_LEVELS.length))],
    ['a long log message', frame(FROM_CELL.log, Buffer.alloc(LOG_MESSAGE_MAX + 2))],
    ['an ending without a head', frame(FROM_CELL.done, Buffer.of(0))],
    ['an ending of an unknown status', frame(FROM_CELL.done, Buffer.of(CELL_STATUSES.length, 0))],
    ['an ending in no kind of isolate', frame(FROM_CELL.done, Buffer.of(0, 2))],
    ['an inspection without a head', frame(FROM_CELL.inspected, Buffer.alloc(0))],
    ['an inspection of an unknown kind', frame(FROM_CELL.inspected, Buffer.of(2))],
    ['a long inspection', frame(FROM_CELL.inspected, Buffer.alloc(INSPECTION_PAYLOAD_MAX + 2))],
    ['an error that is not JSON', done('error', '{')],
    ['an error without text', done('timeout', '')],
    ['a run that waits and has a result', done('suspended', '1')],
    ['a long error', done('error', JSON.stringify('x'.repeat(ERROR_PAYLOAD_MAX)))],
  ])('%s', (_, given) => {
    expect(() => decodeFromCell(given)).toThrow(FrameError)
  })

  test.each(['crashed', 'cpu-exceeded'])('%s is not a cell’s to say', (status) => {
    expect(CELL_STATUSES).not.toContain(status)
  })

  test('and what lies exactly on a bound is accepted', () => {
    expect(outcomeOf(frame(FROM_CELL.call, call(OPERATION_MAX, OPERATION_MAX + CALL_PAYLOAD_MAX)))).toBe('message')
    expect(outcomeOf(frame(FROM_CELL.log, Buffer.alloc(LOG_MESSAGE_MAX + 1)))).toBe('message')
    expect(outcomeOf(done('error', JSON.stringify('x'.repeat(ERROR_PAYLOAD_MAX - 2))))).toBe('message')
  })
})

test.each([
  [
    'the arguments of a call',
    (text: Buffer) => frame(FROM_CELL.call, Buffer.concat([Buffer.from('\0\0\0\x01\x06kv.get'), text])),
  ],
  ['a log message', (text: Buffer) => frame(FROM_CELL.log, Buffer.concat([Buffer.of(1), text]))],
  ['an inspection', (text: Buffer) => frame(FROM_CELL.inspected, Buffer.concat([Buffer.of(0), text]))],
  ['an error', (text: Buffer) => frame(FROM_CELL.done, Buffer.concat([Buffer.of(1, 0), text]))],
])('%s that is not UTF-8 is refused before this thread spends time on it', (_, frameOf) => {
  expect(() => decodeFromCell(frameOf(Buffer.from('{"name":"é"}', 'latin1')))).toThrow('a text is not UTF-8')
  expect(() => decodeFromCell(frameOf(Buffer.from('{"name":"é"}')))).not.toThrow()
})
