import { appendFileSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { RESULTS_DIRECTORY, describeMachine } from '../results.ts'
import type { Cell, Comparison } from './compare.ts'
import { ALLOWANCE_MB, LATE_MS } from './judge.ts'
import { LIMITS } from './program.ts'

const DIRECTORY = join(RESULTS_DIRECTORY, 'containment')

/** What a comparison was made on. `load` is the highest that the machine had when a peer was done, the bench's own included. */
export type Machine = ReturnType<typeof describeMachine> & { readonly load: number }

type Line =
  | ({ readonly kind: 'circumstances'; readonly bounds: object } & ReturnType<typeof describeMachine>)
  | ({ readonly kind: 'cell' } & Cell)
  | { readonly kind: 'peer'; readonly name: string; readonly version: string; readonly load: number }

/** Where a comparison is kept while it is made. */
export interface ComparisonFile {
  readonly path: string
  addCell(cell: Cell): void
  /** The peer has run every program. */
  addPeer(name: string, version: string): void
}

/** Opens a new file of JSON lines: the circumstances first, then the cells of a peer when it has run everything, and one for the peer. */
export function createComparisonFile(): ComparisonFile {
  mkdirSync(DIRECTORY, { recursive: true })
  const machine = describeMachine()
  const path = join(DIRECTORY, `${machine.at.replaceAll(':', '-')}.jsonl`)
  const write = (line: Line): void => appendFileSync(path, `${JSON.stringify(line)}\n`)
  const bounds = { ...LIMITS, lateMs: LATE_MS, allowanceMb: ALLOWANCE_MB }
  write({ kind: 'circumstances', ...machine, bounds })
  return {
    path,
    addCell: (cell) => write({ kind: 'cell', ...cell }),
    addPeer: (name, version) => write({ kind: 'peer', name, version, load: loadavg()[0] ?? 0 }),
  }
}

/** The newest comparison, of the peers that have run everything; undefined if there is none. */
export function readLatestComparison(): { readonly comparison: Comparison; readonly machine: Machine } | undefined {
  const file = globSync('*.jsonl', { cwd: DIRECTORY }).toSorted().at(-1)
  if (file === undefined) return undefined
  const lines = readFileSync(join(DIRECTORY, file), 'utf8').trim().split('\n')
  const parsed = lines.map((line) => JSON.parse(line) as Line)
  const peers = parsed.filter((line) => line.kind === 'peer')
  const versions = Object.fromEntries(peers.map(({ name, version }) => [name, version]))
  const cells = parsed.filter((line) => line.kind === 'cell').filter(({ peer }) => peer in versions)
  const machine = parsed.find((line) => line.kind === 'circumstances')
  const load = Math.max(...peers.map(({ load }) => load))
  return machine && { comparison: { versions, cells }, machine: { ...machine, load } }
}
