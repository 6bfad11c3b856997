import { describe, expect, test } from 'vitest'
import { bytes, epochMillis, millis } from '../../src/core/quantity.ts'
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
  traffic: { egress: bytes(0), ingress: bytes(0) },
  hadEffects: false,
  [Symbol.dispose]() {},
}
const makeRun = (number: number, limits = policy.limits): RunInCell =>
  createRunInCell(number, ticketOf('ann', { ...policy, limits }), session, { resolve() {}, reject() {} })

function open() {
  let nowMs = 0
  const begun: number[] = []
  const clock = { now: () => epochMillis(0), elapsed: () => millis(nowMs) }
  const reading = { cpuMs: 0, bytes: 0 }
  const roster = new Roster({ clock, reading: () => ({ ...reading }), onBegin: ({ number }) => begun.push(number) })
  const runs = [1, 2, 3].map((number) => makeRun(number)) as [RunInCell, RunInCell, RunInCell]
  return { roster, begun, runs, reading, pass: (ms: number) => void (nowMs += ms) }
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

describe('what is known when the cell dies', () => {
  test('is the run that the cell says it is in, and whose first entry has not ended', () => {
    const { roster, runs } = open()
    for (const run of runs) roster.add(run)
    roster.enter(runs[0])
    expect(roster.scene()).toMatchObject({ runs, current: runs[0], isOwed: false })
    roster.yield(runs[0])
    const { current, awaitsEntry } = roster.scene()
    expect(current).toBeUndefined()
    expect(runs.map(awaitsEntry)).toEqual([false, true, true])
  })

  test('is who used the CPU time and the memory between two readings, if the cell has told', () => {
    const { roster, runs, reading } = open()
    const [first, second] = runs
    Object.assign(reading, { cpuMs: 1_000, bytes: 50 })
    roster.add(first)
    roster.add(second)
    roster.enter(first)
    roster.settle()
    Object.assign(reading, { cpuMs: 1_030, bytes: 90 })
    roster.observe()
    roster.yield(first)
    roster.enter(second)
    roster.settle()
    Object.assign(reading, { cpuMs: 1_035, bytes: 80 })
    roster.observe()
    expect([first.tracedCpuMs, second.tracedCpuMs]).toEqual([30, 5])
    expect([first.tracedBytes, second.tracedBytes]).toEqual([40, 0])
    expect(roster.unknownCpuMs).toBe(0)
  })

  test('is nobody’s if the cell has told nothing, until it names whom it was in', () => {
    const { roster, runs, reading } = open()
    for (const run of runs) roster.add(run)
    reading.cpuMs = 8
    roster.observe()
    roster.settle()
    expect(roster.unknownCpuMs).toBe(8)
    for (const run of runs.slice(0, 2)) {
      roster.enter(run)
      roster.yield(run)
    }
    roster.settle()
    expect(runs.map(({ tracedCpuMs }) => tracedCpuMs)).toEqual([4, 4, 0])
    expect(roster.unknownCpuMs).toBe(0)
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

  test('leave a doubt about those that are still there: the cell may be in what was taken back', () => {
    const { roster, runs } = open()
    roster.add(runs[0])
    roster.add(runs[1])
    roster.takeBack()
    expect(roster.scene()).toMatchObject({ runs: [runs[0]], isOwed: true })
    roster.forget(2)
    expect(roster.scene().isOwed).toBe(false)
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

describe('a cell that is in a run that was taken back', () => {
  const taken = () => {
    const all = open()
    const [waits, behind] = all.runs
    all.roster.add(waits)
    all.roster.add(behind)
    expect(all.roster.takeBack()).toEqual([behind])
    return { ...all, waits, behind }
  }

  test('is lost if two sweeps find it in nothing else, whoever else waits in it', () => {
    const { roster, waits } = taken()
    roster.enter(waits)
    roster.yield(waits)
    expect([roster.sweep(), roster.sweep()]).toEqual(['fine', 'lost'])
    expect(roster.has(waits)).toBe(true)
  })

  test('is not lost while it is in a run of its own, which has a limit', () => {
    const { roster, waits } = taken()
    roster.enter(waits)
    expect([roster.sweep(), roster.sweep(), roster.sweep()]).toEqual(['fine', 'fine', 'fine'])
  })

  test('is not lost once it has answered for it', () => {
    const { roster, waits, behind } = taken()
    roster.yield(waits)
    expect(roster.sweep()).toBe('fine')
    roster.forget(behind.number)
    expect([roster.sweep(), roster.sweep()]).toEqual(['fine', 'fine'])
  })
})
