import { type Finding, keepsTarget } from './finding.ts'
import { spreadOf } from './statistics.ts'

/** Findings as a table of text: the median of the rounds, its extremes, and what it should be. */
export function tableOf(findings: readonly Finding[]): string {
  const rows = [['subject', 'metric', 'median', 'min', 'max', ''], ...findings.map(rowOf)]
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) => row.map((text, column) => aligned(text, column, widths[column] ?? 0)).join('  '))
  return lines.map((line) => line.trimEnd()).join('\n')
}

function rowOf({ subject, metric, unit, rounds, target }: Finding): string[] {
  const { min, median, max } = spreadOf(rounds)
  const verdict = keepsTarget(median, target)
  const wanted = target === undefined ? '' : `target ${target.bound} ${target.value}${verdict ? ', kept' : ', MISSED'}`
  return [subject, metric, `${shown(median)} ${unit}`.trimEnd(), shown(min), shown(max), wanted]
}

const TEXT_COLUMNS = new Set([0, 1, 5])

function aligned(text: string, column: number, width: number): string {
  return TEXT_COLUMNS.has(column) ? text.padEnd(width) : text.padStart(width)
}

/** A number in three figures or so, as people read them. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
