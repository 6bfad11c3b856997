import { expect, test } from 'vitest'
import { left, renderTable, right } from '../../src/cli/table.ts'
import { captureScreen } from './screen.ts'

const columns = [left('name'), right('units')]

test('columns are as wide as their widest cell and numbers keep to the right', () => {
  const rows = [
    ['ann', '1'],
    ['bartholomew', '1,234'],
  ]
  expect(renderTable(captureScreen(), columns, rows).split('\n')).toEqual([
    'name         units',
    'ann              1',
    'bartholomew  1,234',
  ])
})

test('the total stands apart under the rows', () => {
  expect(renderTable(captureScreen(), columns, [['ann', '1']], ['total', '1']).split('\n')).toEqual([
    'name   units',
    'ann        1',
    '────────────',
    'total      1',
  ])
})

test('no text in a cell can break out of its row', () => {
  const table = renderTable(captureScreen(), columns, [['a\nb\u001b[2J\tc', '1']])
  expect(table.split('\n')).toHaveLength(2)
  expect(table).toContain('a b\\u001b[2J c')
})

test('a row that is short of cells is padded', () => {
  expect(renderTable(captureScreen(), columns, [['ann']]).split('\n')[1]).toBe('ann')
})
