import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CpuShares } from '../../src/pool/run-in-cell.ts'

describe('CPU time', () => {
  test('of one run alone is exactly what its process used while it was there', () => {
    const shares = new CpuShares(100)
    shares.advance(150)
    shares.enter()
    const level = shares.level
    shares.advance(162.5)
    shares.advance(200)
    expect(shares.level - level).toBe(50)
    shares.leave()
    shares.advance(1_000)
    expect(shares.level - level).toBe(50)
  })

  test('of runs that overlap is split evenly over the time that they share', () => {
    const shares = new CpuShares(0)
    shares.enter()
    shares.advance(10)
    const second = shares.level
    shares.enter()
    shares.advance(30)
    expect(shares.level - second).toBe(10)
    expect(shares.level).toBe(20)
  })

  test('does not change by a reading that is not newer, or is none', () => {
    const shares = new CpuShares(10)
    shares.enter()
    for (const reading of [10, 5, 0, Number.NaN]) shares.advance(reading)
    expect([shares.level, shares.readingMs]).toEqual([0, 10])
    shares.advance(11)
    expect([shares.level, shares.readingMs]).toEqual([1, 11])
  })

  test('that is charged adds up to what was used while any run was there, whatever the order of events', () => {
    const event = fc.oneof(
      fc.record({ use: fc.double({ min: 0, max: 1_000, noNaN: true }) }),
      fc.constant({ enter: true }),
      fc.record({ leave: fc.nat() }),
    )
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.array(event, { maxLength: 100 }),
        (start, events) => {
          const shares = new CpuShares(start)
          const levels: number[] = []
          let readingMs = start
          let usedMs = 0
          let chargedMs = 0
          const leave = (index: number): void => {
            const [level] = levels.splice(index % levels.length, 1)
            chargedMs += shares.level - level!
            shares.leave()
          }
          for (const each of events) {
            if ('use' in each) {
              const before = readingMs
              readingMs += each.use
              shares.advance(readingMs)
              if (levels.length > 0) usedMs += readingMs - before
            } else if ('enter' in each) {
              levels.push(shares.level)
              shares.enter()
            } else if (levels.length > 0) leave(each.leave)
          }
          while (levels.length > 0) leave(0)
          expect(chargedMs).toBeCloseTo(usedMs, 4)
        },
      ),
    )
  })
})
