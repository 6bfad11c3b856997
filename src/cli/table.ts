import { type Screen, escapeControls, paint } from './terminal.ts'

/** A column: its heading, and the side its cells keep to. Numbers keep to the right. */
export interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
}

export const left = (title: string): Column => ({ title, align: 'left' })
export const right = (title: string): Column => ({ title, align: 'right' })

type Row = readonly string[]

/** A table with one line for each row, without a trailing line feed. `total` is set apart under the rows. */
export function renderTable(screen: Screen, columns: readonly Column[], rows: readonly Row[], total?: Row): string {
  const body = rows.map((row) => row.map(toCell))
  const foot = total === undefined ? [] : [total.map(toCell)]
  const widths = columns.map((column, index) =>
    Math.max(width(column.title), ...[...body, ...foot].map((row) => width(row[index] ?? ''))),
  )
  const renderLine = (row: Row): string =>
    columns
      .map((column, index) => pad(row[index] ?? '', widths[index] ?? 0, column.align))
      .join('  ')
      .trimEnd()
  const heading = paint(screen, 'bold', renderLine(columns.map((column) => column.title)))
  const rule = foot.length === 0 ? [] : [widths.map((size) => '─'.repeat(size)).join('──')]
  return [heading, ...body.map(renderLine), ...rule, ...foot.map(renderLine)].join('\n')
}

// One row is one line, whatever the text in it.
function toCell(text: string): string {
  return escapeControls(text).replace(/[\n\t]+/g, ' ')
}

function width(text: string): number {
  return [...text].length
}

function pad(text: string, size: number, align: Column['align']): string {
  const space = ' '.repeat(size - width(text))
  return align === 'right' ? space + text : text + space
}
