import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { epochMillis, mebibytes, millis } from '../../src/core/quantity.ts'
import { BlankShelf } from '../../src/pool/blank-shelf.ts'
import { type CellProfile, flagsKey, profileKey } from '../../src/pool/profile.ts'

const profile = (memoryMb: number, change: Partial<CellProfile> = {}): CellProfile => ({
  jit: true,
  sharedMemory: false,
  memoryMb: mebibytes(memoryMb),
  ...change,
})
const MAIN = profile(128)
const JITLESS = profile(64, { jit: false })
const MINUTE = 60_000

function open(mainCells = 4) {
  let nowMs = 0
  let made = 0
  const clock = { now: () => epochMillis(0), elapsed: () => millis(nowMs) }
  const shelf = new BlankShelf<string>({ clock, main: MAIN, mainCells })
  const put = (kind: CellProfile): string => {
    const cell = `${profileKey(kind)} #${(made += 1)}`
    shelf.put(cell, kind)
    return cell
  }
  /** A tenant comes and takes a cell of the profile that has been made for it. */
  const come = (kind: CellProfile): void => {
    put(kind)
    expect(shelf.take(kind)).toBeDefined()
  }
  const wanted = (kind: CellProfile): number | undefined =>
    shelf.wanted().find(({ profile: own }) => profileKey(own) === profileKey(kind))?.cells
  return { shelf, put, come, wanted, pass: (ms: number) => void (nowMs += ms) }
}

describe('how many blank cells are kept', () => {
  test('of the main profile always the same number, first in the order', () => {
    const { shelf, come, pass } = open(3)
    for (const _ of [1, 2, 3, 4, 5]) come(MAIN)
    come(JITLESS)
    expect(shelf.wanted()[0]).toEqual({ profile: MAIN, cells: 3 })
    pass(60 * MINUTE)
    expect(shelf.wanted()[0]).toEqual({ profile: MAIN, cells: 3 })
  })

  test('of another profile none until somebody asks, then one for five minutes', () => {
    const { come, wanted, pass } = open()
    expect(wanted(JITLESS)).toBeUndefined()
    come(JITLESS)
    expect(wanted(JITLESS)).toBe(1)
    pass(5 * MINUTE)
    expect(wanted(JITLESS)).toBe(1)
    pass(1)
    expect(wanted(JITLESS)).toBe(0)
  })

  test('as many as came within a minute, but no more than of the main profile', () => {
    const { come, wanted, pass } = open(3)
    come(JITLESS)
    pass(30_000)
    come(JITLESS)
    expect(wanted(JITLESS)).toBe(2)
    for (const _ of [1, 2, 3]) come(JITLESS)
    expect(wanted(JITLESS)).toBe(3)
    pass(MINUTE + 1)
    expect(wanted(JITLESS)).toBe(1)
  })

  test('none of any where none are kept', () => {
    const { shelf, come } = open(0)
    come(JITLESS)
    expect(shelf.wanted().map(({ cells }) => cells)).toEqual([0, 0])
  })

  test('of a profile that differs from the main one in its heap alone none until a second tenant comes', () => {
    const { come, wanted, pass } = open()
    come(profile(300))
    expect(wanted(profile(300))).toBe(0)
    pass(4 * MINUTE)
    come(profile(300))
    expect(wanted(profile(300))).toBe(1)
    pass(2 * MINUTE)
    // The first has been forgotten.
    expect(wanted(profile(300))).toBe(0)
  })

  test('of eight profiles at most: the one that was asked for longest ago is dropped, and its cells are surplus', () => {
    const { shelf, put, come, wanted } = open()
    const kinds = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => profile(n * 16, { jit: false }))
    for (const kind of kinds) come(kind)
    expect(shelf.wanted()).toHaveLength(8)
    expect(wanted(kinds[0]!)).toBeUndefined()
    const [orphan, kept] = [put(kinds[0]!), put(kinds[7]!)]
    expect(shelf.surplus()).toEqual([orphan])
    expect(shelf.surplus()).not.toContain(kept)
  })
})

describe('taking', () => {
  test('prefers the profile itself, then one that differs in its heap alone', () => {
    const { shelf, put } = open()
    const near = put(profile(256))
    const exact = put(profile(300))
    put(JITLESS)
    expect([shelf.take(profile(300)), shelf.take(profile(300)), shelf.take(profile(300))]).toEqual([
      exact,
      near,
      undefined,
    ])
  })

  test('never gives a cell whose process has other flags, and every cell once', () => {
    const kind = fc.record({
      jit: fc.boolean(),
      sharedMemory: fc.boolean(),
      memoryMb: fc.constantFrom(64, 128, 300).map(mebibytes),
    })
    const steps = fc.array(fc.record({ does: fc.constantFrom('put', 'take', 'wait'), kind }), { maxLength: 60 })
    fc.assert(
      fc.property(steps, (list) => {
        const { shelf, put, pass } = open()
        const there = new Map<string, CellProfile>()
        for (const { does, kind: asked } of list) {
          if (does === 'put') there.set(put(asked), asked)
          else if (does === 'wait') pass(MINUTE)
          else {
            const cell = shelf.take(asked)
            const fitting = [...there.values()].filter((own) => flagsKey(own) === flagsKey(asked))
            expect(cell === undefined).toBe(fitting.length === 0)
            if (cell === undefined) continue
            expect(flagsKey(there.get(cell)!)).toBe(flagsKey(asked))
            if (fitting.some((own) => profileKey(own) === profileKey(asked))) {
              expect(there.get(cell)).toEqual(asked)
            }
            there.delete(cell)
          }
          expect(shelf.wanted().length).toBeLessThanOrEqual(8)
        }
      }),
    )
  })
})

test('to make room the cell goes that is missed least, of those that cannot serve', () => {
  const { shelf, put, come } = open()
  const shared = profile(128, { sharedMemory: true })
  come(shared)
  come(JITLESS)
  const [main, recent, older, forgotten] = [MAIN, JITLESS, shared, profile(16)].map(put)
  const order: (string | undefined)[] = []
  for (const _ of [1, 2, 3]) {
    const cell = shelf.leastMissed(profile(512, { jit: false }))
    order.push(cell)
    if (cell !== undefined) shelf.remove(cell)
  }
  expect(order).toEqual([forgotten, older, main])
  expect(shelf.leastMissed(JITLESS)).toBeUndefined()
  expect(shelf.leastMissed(MAIN)).toBe(recent)
})
