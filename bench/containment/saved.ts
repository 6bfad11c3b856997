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

/** A comparison and what it was made on. */
export interface SavedComparison {
  readonly comparison: Comparison
  readonly machine: Machine
}

/** The newest comparison, of the peers that have run everything that was asked for; undefined if there is none. */
export function readLatestComparison(): SavedComparison | undefined {
  return readAll().at(-1)
}

/**
 * The newest full column of each of `peers`, from as many comparisons as it takes, so that one can be made anew alone.
 * Undefined if there is none. The machine is that of the newest; columns from another are left out.
 */
export function readLatestColumns(peers: readonly string[], programs: number): SavedComparison | undefined {
  const columnOf = (peer: string) =>
    readAll().findLast(({ comparison }) => cellsOf(comparison, peer).length === programs)
  const columns = peers.map((peer) => ({ peer, saved: columnOf(peer) }))
  const newest = columns
    .flatMap(({ saved }) => saved ?? [])
    .toSorted((a, b) => (a.machine.at < b.machine.at ? 1 : -1))[0]
  if (newest === undefined) return undefined
  const cells: Cell[] = []
  const versions: Record<string, string> = {}
  const loads: number[] = []
  for (const { peer, saved } of columns) {
    if (saved === undefined || !isSameMachine(saved.machine, newest.machine)) continue
    versions[peer] = saved.comparison.versions[peer] ?? ''
    cells.push(...cellsOf(saved.comparison, peer))
    loads.push(saved.machine.load)
  }
  return { comparison: { versions, cells }, machine: { ...newest.machine, load: Math.max(...loads) } }
}

function cellsOf({ cells }: Comparison, peer: string): readonly Cell[] {
  return cells.filter((cell) => cell.peer === peer)
}

function isSameMachine(one: Machine, other: Machine): boolean {
  return one.processor === other.processor && one.kernel === other.kernel && one.node === other.node
}

/** Every comparison that was saved, the oldest first. */
function readAll(): readonly SavedComparison[] {
  return globSync('*.jsonl', { cwd: DIRECTORY })
    .toSorted()
    .flatMap((file) => parse(readFileSync(join(DIRECTORY, file), 'utf8')) ?? [])
}

function parse(text: string): SavedComparison | undefined {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  const machine = lines.find((line) => line.kind === 'circumstances')
  const peers = lines.filter((line) => line.kind === 'peer')
  if (machine === undefined || peers.length === 0) return undefined
  const versions = Object.fromEntries(peers.map(({ name, version }) => [name, version]))
  const cells = lines.filter((line) => line.kind === 'cell').filter(({ peer }) => peer in versions)
  return { comparison: { versions, cells }, machine: { ...machine, load: Math.max(...peers.map(({ load }) => load)) } }
}
