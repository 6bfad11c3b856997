import { describe, expect, test } from 'vitest'
import { epochMillis, millis } from '../../src/core/quantity.ts'
import type { Session } from '../../src/core/run.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { type RunInCell, addLog, createRunInCell } from '../../src/pool/run-in-cell.ts'
import { Roster } from '../../src/pool/roster.ts'
import { FrameError } from '../../src/wire/frame.ts'
import { ticketOf } from '../scheduler/ticket.ts'

const policy = loadPolicies([]).resolve('default')
const session: Session = {
  call: async () => ({ ok: true, text: '' }),
  operations: {},
  hadEffects: false,
  [Symbol.dispose]() {},
}
const makeRun = (number: number, limits = policy.limits): RunInCell =>
  createRunInCell(number, ticketOf('ann', { ...policy, limits }), session, { resolve() {}, reject() {} })

function open() {
  let nowMs = 0
  const begun: number[] = []
  const clock = { now: () => epochMillis(0), elapsed: () => millis(nowMs) }
  const roster = new Roster({ clock, onBegin: ({ number }) => begun.push(number) })
  const runs = [1, 2, 3].map((number) => makeRun(number)) as [RunInCell, RunInCell, RunInCell]
  return { roster, begun, runs, pass: (ms: number) => void (nowMs += ms) }
}

describe('the clock of a run', () => {
  test('starts when the run before it has had its first entry: waiting behind another is free', () => {
    const { roster, begun, runs, pass } = open()
    for (const run of runs) roster.add(run)
    expect(begun).toEqual([1])
    pass(300)
    roster.enter(runs[0])
    roster.yield(runs[0])
    expect(begun).toEqual([1, 2])
    pass(50)
    roster.remove(runs[1])
    expect(begun).toEqual([1, 2, 3])
    expect(runs.map(({ startedMs }) => startedMs)).toEqual([0, 300, 350])
  })

  test('starts once, however often the run is entered', () => {
    const { roster, begun, runs, pass } = open()
    roster.add(runs[0])
    roster.yield(runs[0])
    pass(10)
    roster.enter(runs[0])
    roster.yield(runs[0])
    expect(begun).toEqual([1])
    expect(runs[0].startedMs).toBe(0)
  })

  test('does not start early because a run further back says that its entry is over', () => {
    const { roster, begun, runs } = open()
    for (const run of runs) roster.add(run)
    roster.yield(runs[1])
    expect(begun).toEqual([1])
    roster.yield(runs[0])
    expect(begun).toEqual([1, 3])
  })
})

describe('the run to blame', () => {
  test('is the one that the cell says it is in', () => {
    const { roster, runs } = open()
    for (const run of runs) roster.add(run)
    roster.enter(runs[2])
    expect(roster.suspect).toBe(runs[2])
  })

  test('is else the first whose entry has not ended', () => {
    const { roster, runs } = open()
    for (const run of runs) roster.add(run)
    roster.enter(runs[0])
    roster.yield(runs[0])
    expect(roster.suspect).toBe(runs[1])
  })

  test('is else the only one there, and nobody if several wait', () => {
    const { roster, runs } = open()
    roster.add(runs[0])
    roster.add(runs[1])
    for (const run of [runs[0], runs[1]]) roster.yield(run)
    expect(roster.suspect).toBeUndefined()
    roster.remove(runs[0])
    expect(roster.suspect).toBe(runs[1])
    roster.remove(runs[1])
    expect(roster.suspect).toBeUndefined()
    expect(roster.size).toBe(0)
  })
})

describe('runs that are taken back', () => {
  test('are those that it is not the turn of yet, and the clock of none of them has started', () => {
    const { roster, begun, runs } = open()
    for (const run of runs) roster.add(run)
    expect(roster.waiting).toBe(2)
    expect(roster.takeBack()).toEqual([runs[1], runs[2]])
    expect(roster.all()).toEqual([runs[0]])
    expect(roster.waiting).toBe(0)
    roster.remove(runs[0])
    expect(begun).toEqual([1])
    expect(runs.map(({ startedMs }) => startedMs)).toEqual([0, undefined, undefined])
  })

  test('are not those that were entered once and wait for an answer', () => {
    const { roster, runs } = open()
    for (const run of runs) roster.add(run)
    roster.yield(runs[0])
    expect(roster.takeBack()).toEqual([runs[2]])
    expect(roster.has(runs[0])).toBe(true)
  })

  test('may still be spoken of until the cell’s last word about them, and nothing of it counts', () => {
    const { roster, runs } = open()
    for (const run of runs) roster.add(run)
    roster.takeBack()
    expect(roster.named(2)).toBeUndefined()
    expect(roster.has(runs[1])).toBe(false)
    roster.forget(2)
    expect(() => roster.named(2)).toThrow(FrameError)
    expect(roster.named(3)).toBeUndefined()
  })

  test('are never to blame for the end of the cell', () => {
    const { roster, runs } = open()
    roster.add(runs[0])
    roster.add(runs[1])
    roster.takeBack()
    roster.remove(runs[0])
    expect(roster.suspect).toBeUndefined()
  })
})

describe('who is in the cell', () => {
  test('a message for a run that is not there breaks the protocol', () => {
    const { roster, runs } = open()
    roster.add(runs[0])
    expect(roster.named(1)).toBe(runs[0])
    for (const number of [0, 2, -1, Number.NaN]) expect(() => roster.named(number)).toThrow(FrameError)
    roster.remove(runs[0])
    expect(() => roster.named(1)).toThrow(FrameError)
    expect(roster.has(runs[0])).toBe(false)
  })

  test('another run of the same number is not the same run', () => {
    const { roster, runs } = open()
    roster.add(runs[0])
    expect(roster.has(makeRun(1))).toBe(false)
  })

  test('a copy of all stays as it is while they leave', () => {
    const { roster, runs } = open()
    for (const run of runs) roster.add(run)
    for (const run of roster.all()) roster.remove(run)
    expect(roster.size).toBe(0)
  })

  test('a run that comes now is expected to wait for nobody, for as long as turns before it took, or for ever behind a long one', () => {
    const { roster, runs, pass } = open()
    expect(roster.expectedWaitMs(5)).toBe(0)
    roster.add(runs[0])
    roster.add(runs[1])
    pass(2)
    roster.remove(runs[0])
    expect(roster.expectedWaitMs(5)).toBeCloseTo(0.4)
    pass(5.5)
    expect(roster.expectedWaitMs(5)).toBe(Infinity)
    expect(roster.expectedWaitMs(10)).toBeCloseTo(0.4)
    roster.remove(runs[1])
    expect(roster.expectedWaitMs(5)).toBe(0)
  })
})

describe('the log lines of a run', () => {
  const line = (message: string) => ({ level: 'info', message }) as const

  test('are kept in order', () => {
    const run = makeRun(1)
    for (const message of ['a', 'b']) addLog(run, line(message))
    expect(run.logs).toEqual([line('a'), line('b')])
  })

  test('that are more than the runtime lets through break the protocol, by number and by size', () => {
    const many = makeRun(1, { ...policy.limits, logLines: 5 })
    const few = makeRun(2, { ...policy.limits, logs: policy.limits.logs })
    expect(() => {
      for (let count = 0; count < 1_000; count += 1) addLog(many, line('x'))
    }).toThrow(FrameError)
    expect(many.logs.length).toBeLessThan(200)
    expect(() => {
      for (let count = 0; count < 1_000; count += 1) addLog(few, line('€'.repeat(10_000)))
    }).toThrow(FrameError)
    expect(few.logs.length * 30_000).toBeLessThan(3 * policy.limits.logs + 100_000)
  })
})
