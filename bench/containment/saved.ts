import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { RESULTS_DIRECTORY, describeMachine } from '../results.ts'
import type { Cell, Comparison } from './compare.ts'
import { ALLOWANCE_MB, LATE_MS } from './judge.ts'
import { LIMITS } from './program.ts'

const DIRECTORY = join(RESULTS_DIRECTORY, 'containment')

/** What a comparison was made on. */
export type Machine = ReturnType<typeof describeMachine> & { readonly load: number }

/** Writes a comparison as JSON lines, the circumstances first, then a line a cell; gives back the file. */
export function saveComparison({ at, versions, cells }: Comparison): string {
  mkdirSync(DIRECTORY, { recursive: true })
  const file = join(DIRECTORY, `${at.replaceAll(':', '-')}.jsonl`)
  const bounds = { ...LIMITS, lateMs: LATE_MS, allowanceMb: ALLOWANCE_MB }
  const first = { kind: 'circumstances', ...describeMachine(), load: loadavg()[1] ?? 0, at, versions, bounds }
  writeFileSync(file, [first, ...cells.map((cell) => ({ kind: 'cell', ...cell }))].map(lineOf).join(''))
  return file
}

/** The newest comparison that was saved; undefined before the first. */
export function readLatestComparison(): { readonly comparison: Comparison; readonly machine: Machine } | undefined {
  const file = globSync('*.jsonl', { cwd: DIRECTORY }).toSorted().at(-1)
  if (file === undefined) return undefined
  const [first = '', ...rest] = readFileSync(join(DIRECTORY, file), 'utf8').trim().split('\n')
  const machine = JSON.parse(first) as Machine & Pick<Comparison, 'at' | 'versions'>
  const cells = rest.map((line) => JSON.parse(line) as Cell)
  return { comparison: { at: machine.at, versions: machine.versions, cells }, machine }
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`
}
