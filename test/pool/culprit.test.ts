import { describe, expect, test } from 'vitest'
import { bytes, mebibytes, millis } from '../../src/core/quantity.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { type Scene, findCulprit } from '../../src/pool/culprit.ts'
import { type RunInCell, createRunInCell } from '../../src/pool/run-in-cell.ts'
import { ticketOf } from '../scheduler/ticket.ts'

const base = loadPolicies([]).resolve('default')
const policy = { ...base, limits: { ...base.limits, cpu: millis(100), memory: mebibytes(64) } }
const session = {
  call: async () => ({ ok: true, text: '' }),
  operations: {},
  traffic: { egress: bytes(0), ingress: bytes(0) },
  hadEffects: false,
  [Symbol.dispose]() {},
}
const MIB = 2 ** 20

function makeRun(number: number, took: { cpuMs?: number; mib?: number } = {}): RunInCell {
  const run = createRunInCell(number, ticketOf('ann', policy), session, { resolve() {}, reject() {} })
  run.tracedCpuMs = took.cpuMs ?? 0
  run.tracedBytes = (took.mib ?? 0) * MIB
  return run
}

function culpritIn(reason: Scene['reason'], runs: readonly RunInCell[], change: Partial<Scene> = {}) {
  const nothing = { current: undefined, overdue: undefined, isOwed: false, unknownCpuMs: 0, awaitsEntry: () => false }
  return findCulprit({ reason, runs, ...nothing, ...change })
}

describe('a cell that passed its CPU limit', () => {
  test('was brought down by the run that used most, not by the one that it was in last', () => {
    const [user, last] = [makeRun(1, { cpuMs: 190 }), makeRun(2, { cpuMs: 15 })]
    expect(culpritIn('cpu', [user, last], { current: last })).toBe(user)
  })

  test('was brought down by none of those that are there if none used enough: whoever did has just ended', () => {
    const runs = [makeRun(1, { cpuMs: 20 }), makeRun(2, { cpuMs: 15 })]
    expect(culpritIn('cpu', runs, { current: runs[1] })).toBeUndefined()
    expect(culpritIn('cpu', runs.slice(1), { current: runs[1] })).toBeUndefined()
  })

  test('was brought down by the only run in it, whatever it told, unless it may have been in one that was taken back', () => {
    const only = makeRun(1)
    expect(culpritIn('cpu', [only], { unknownCpuMs: 130 })).toBe(only)
    expect(culpritIn('cpu', [only], { unknownCpuMs: 130, isOwed: true })).toBeUndefined()
  })
})

describe('a cell that passed its memory limit', () => {
  test('was brought down by the run that took most, though it only waits now', () => {
    const [hoarder, last] = [makeRun(1, { mib: 150 }), makeRun(2, { mib: 45 })]
    expect(culpritIn('memory', [hoarder, last], { current: last })).toBe(hoarder)
  })

  test('was brought down by none that took little', () => {
    const runs = [makeRun(1, { mib: 5 }), makeRun(2, { mib: 10 })]
    expect(culpritIn('memory', runs, { current: runs[1] })).toBeUndefined()
    expect(culpritIn('memory', runs.slice(1))).toBe(runs[1])
  })
})

describe('a cell that was killed at a deadline', () => {
  test('was brought down by the run whose time was over, if that run had its turn', () => {
    const [overdue, other] = [makeRun(1), makeRun(2)]
    expect(culpritIn('deadline', [overdue, other], { overdue })).toBe(overdue)
    expect(culpritIn('deadline', [overdue, other], { overdue, current: overdue, awaitsEntry: () => true })).toBe(
      overdue,
    )
  })

  test('was brought down by nobody known if the run whose time was over may never have been entered', () => {
    const [overdue, other] = [makeRun(1), makeRun(2)]
    const awaitsEntry = (run: RunInCell) => run === overdue
    expect(culpritIn('deadline', [overdue, other], { overdue, awaitsEntry })).toBeUndefined()
    expect(culpritIn('deadline', [overdue, other], { overdue, awaitsEntry, current: other })).toBeUndefined()
    expect(culpritIn('deadline', [overdue], { overdue, awaitsEntry, isOwed: true })).toBeUndefined()
    expect(culpritIn('deadline', [overdue], { overdue, awaitsEntry })).toBe(overdue)
  })
})

describe.each(['crash', 'exit', 'out-of-memory', 'protocol'] as const)('a cell that ended by %s', (reason) => {
  test('was brought down by the run that it said it was in', () => {
    const runs = [makeRun(1, { cpuMs: 500 }), makeRun(2)]
    expect(culpritIn(reason, runs, { current: runs[1] })).toBe(runs[1])
  })

  test('was brought down by the only one there, and by nobody known if there were several', () => {
    const runs = [makeRun(1), makeRun(2)]
    expect(culpritIn(reason, runs)).toBeUndefined()
    expect(culpritIn(reason, runs.slice(0, 1))).toBe(runs[0])
    expect(culpritIn(reason, runs.slice(0, 1), { isOwed: true })).toBeUndefined()
    expect(culpritIn(reason, [])).toBeUndefined()
  })
})

test('a run that its caller gave up is the one that a kill for that was for', () => {
  const [overdue, other] = [makeRun(1), makeRun(2)]
  expect(culpritIn('cancel', [overdue, other], { overdue, current: other })).toBe(overdue)
})
