import { expect, test } from 'vitest'
import { WATCH_FIELDS, WatchTable } from '../../src/pool/watch-table.ts'

const FIELDS = Object.keys(WATCH_FIELDS) as (keyof typeof WATCH_FIELDS)[]

test('every field of every row has a place of its own', () => {
  const table = new WatchTable(3)
  let value = 0
  for (let row = 0; row < 3; row += 1) for (const field of FIELDS) table.set(row, field, (value += 1))
  let expected = 0
  for (let row = 0; row < 3; row += 1) for (const field of FIELDS) expect(table.get(row, field)).toBe((expected += 1))
})

test('what one side writes the other reads, infinities and fractions included', () => {
  const table = new WatchTable(2)
  const other = new WatchTable(2, table.shared)
  for (const value of [Infinity, 0.125, 2 ** 53, -1]) {
    table.set(1, 'deadlineMs', value)
    expect(other.get(1, 'deadlineMs')).toBe(value)
  }
})

test('a row that is cleared holds nothing, and its neighbours all they had', () => {
  const table = new WatchTable(3)
  for (let row = 0; row < 3; row += 1) for (const field of FIELDS) table.set(row, field, 7)
  table.clear(1)
  for (const field of FIELDS) {
    expect([0, 1, 2].map((row) => table.get(row, field))).toEqual([7, 0, 7])
  }
})
