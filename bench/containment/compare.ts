import { GOOD, type Verdict, judge } from './judge.ts'
import { type Prepared, featuresOf, observe, prepare } from './observe.ts'
import type { Peer } from './peers.ts'
import type { Program, ProgramClass } from './program.ts'
import type { ComparisonFile } from './saved.ts'

/** One cell of the table. */
export interface Cell {
  readonly peer: string
  readonly program: string
  readonly class: ProgramClass
  readonly verdict: Verdict
  /** As seen, also when something else was the verdict; absent where nothing ran or no answer came. */
  readonly answeredMs?: number
  readonly peakMb?: number
  readonly ending?: string
}

export interface Comparison {
  /** Of each peer that took part, in the order of the tables. */
  readonly versions: Readonly<Record<string, string>>
  readonly cells: readonly Cell[]
}

/** Told how far it is, and of peers that are left out. */
type Note = (text: string) => void

const ENDING_SHOWN = 300

interface Parts {
  readonly peers: readonly Peer[]
  readonly programs: readonly Program[]
  /** Keeps what is known so far. */
  readonly file: ComparisonFile
  readonly note: Note
}

/** Runs every program in every peer, one after the other. A peer that is not installed is left out, and `note` is told. */
export async function compare({ peers, programs, file, note }: Parts): Promise<Comparison> {
  const versions: Record<string, string> = {}
  const cells: Cell[] = []
  for (const peer of peers) {
    const version = peer.version()
    if (version === undefined) {
      note(`SKIPPED: ${peer.name} is not installed; run: npm ci --prefix bench`)
      continue
    }
    const say = (text: string): void => note(`${peer.name} (${version}): ${text}`)
    try {
      cells.push(...(await runAll(peer, programs, say)))
    } catch (error) {
      say(`LEFT OUT: ${error instanceof Error ? error.message : String(error)}`)
      continue
    }
    versions[peer.name] = version
    for (const cell of cells) if (cell.peer === peer.name) file.addCell(cell)
    file.addPeer(peer.name, version)
  }
  return { versions, cells }
}

async function runAll(peer: Peer, programs: readonly Program[], note: Note): Promise<readonly Cell[]> {
  const startedAt = performance.now()
  const features = await featuresOf(peer)
  const offered = programs.filter(({ needs }) => needs === undefined || features.has(needs))
  const cells = new Map<Program, Cell>()
  let next: Promise<Prepared> | undefined
  for (const [index, program] of offered.entries()) {
    const following = offered[index + 1]
    const prepared = next ?? prepare(peer, program)
    next = undefined
    // The next host starts while this one only has to show that it still answers: that saves a quarter of the time.
    const decided = (): void => {
      if (following === undefined) return
      next ??= prepare(peer, following)
      next.catch(() => {})
    }
    const cell = await runFairly(peer, program, prepared, decided)
    cells.set(program, cell)
    note(`${index + 1}/${offered.length} ${program.class}: ${program.name}: ${cell.verdict.kind}`)
  }
  note(`done in ${Math.round((performance.now() - startedAt) / 1_000)} s`)
  return programs.map((program) => cells.get(program) ?? absent(peer, program))
}

function absent(peer: Peer, program: Program): Cell {
  return { ...identify(peer, program), verdict: { kind: 'not offered' } }
}

/** Being late, or failing ordinary work, may be the machine's fault: the second try counts. */
async function runFairly(peer: Peer, program: Program, first: Promise<Prepared>, decided: () => void): Promise<Cell> {
  const cell = await runOne(peer, program, await first, decided)
  const isCredible = program.class === 'control' ? GOOD.has(cell.verdict.kind) : cell.verdict.kind !== 'late'
  if (isCredible) return cell
  return await runOne(peer, program, await prepare(peer, program), () => {})
}

async function runOne(peer: Peer, program: Program, prepared: Prepared, decided: () => void): Promise<Cell> {
  using subject = prepared
  const seen = await observe(subject, program, decided)
  return {
    ...identify(peer, program),
    verdict: judge(program, seen, subject.secrets),
    peakMb: seen.peakMb,
    ...(seen.answeredMs !== undefined && { answeredMs: seen.answeredMs }),
    ...(seen.ending && { ending: `${seen.ending.kind}: ${seen.ending.text.slice(0, ENDING_SHOWN)}` }),
  }
}

function identify(peer: Peer, program: Program) {
  return { peer: peer.name, program: program.name, class: program.class }
}
