import type { Comparison } from './compare.ts'
import { ALLOWANCE_MB, LATE_MS, describeVerdict } from './judge.ts'
import { PEERS } from './peers.ts'
import { CLASSES, LIMITS, type ProgramClass } from './program.ts'
import { PROGRAMS } from './programs.ts'
import type { Machine } from './saved.ts'
import { describeLateness, describeMemory, scoreOf } from './score.ts'

type Rows = readonly (readonly string[])[]

/** The summary: a row a class, a column a peer. */
export function summaryOf(comparison: Comparison): Rows {
  const peers = Object.keys(comparison.versions)
  const scores = peers.map((peer) => scoreOf(comparison, peer))
  const classes = Object.entries(CLASSES) as [ProgramClass, string][]
  return [
    ['programs that', ...peers.map((peer) => headOf(comparison, peer))],
    ...classes.map(([name, aim]) => [
      `${name}: ${aim}`,
      ...scores.map(({ classes }) => `${classes[name].good}/${classes[name].offered}`),
    ]),
    ['host alive and answering', ...scores.map(({ hostAlive, offered }) => `${hostAlive}/${offered}`)],
    ['most memory above the base', ...scores.map(({ worstMemoryMb }) => describeMemory(worstMemoryMb))],
    ['latest end after the limit', ...scores.map(({ worstLateMs }) => describeLateness(worstLateMs))],
  ]
}

/** Every program: a row each, a column a peer. */
export function matrixOf(comparison: Comparison): Rows {
  const peers = Object.keys(comparison.versions)
  const verdicts = new Map(comparison.cells.map(({ peer, program, verdict }) => [`${peer}/${program}`, verdict]))
  const names = new Set(comparison.cells.map(({ program }) => program))
  return [
    ['class', 'program', ...peers.map((peer) => headOf(comparison, peer))],
    ...PROGRAMS.filter(({ name }) => names.has(name)).map((program) => [
      program.class,
      program.name,
      ...peers.map((peer) => {
        const verdict = verdicts.get(`${peer}/${program.name}`)
        return verdict === undefined ? '' : describeVerdict(verdict)
      }),
    ]),
  ]
}

/** What the programs do, for those who read the matrix. */
export function catalogOf(): Rows {
  return [
    ['class', 'program', 'what it does'],
    ...PROGRAMS.map((program) => [program.class, program.name, program.does]),
  ]
}

/** How each peer is set up. */
export function configurationsOf(): Rows {
  return [
    ['peer', 'set up as', "the user's job"],
    ...PEERS.map(({ name, configuration, userJob }) => [name, configuration, userJob]),
  ]
}

/** In one sentence: when, where, by what bounds. */
export function captionOf({ cells }: Comparison, { at, processor, cores, kernel, node, load }: Machine): string {
  const count = new Set(cells.map(({ program }) => program)).size
  const bounds = `${LIMITS.wallMs} ms (+ ${LATE_MS}) and ${LIMITS.memoryMb} MB (+ ${ALLOWANCE_MB})`
  return `${count} programs, ${bounds}; ${at.slice(0, 10)}, ${processor}, ${cores} cores, Linux ${kernel}, Node ${node}, load ${load.toFixed(1)}${load > cores + 1 ? ': busy, to be repeated before it is quoted' : ''}.`
}

/** As a table of Markdown. */
export function markdownOf(rows: Rows): string {
  const [head = [], ...body] = rows
  const lines = [head, head.map(() => '---'), ...body]
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')
}

/** As a table of text. */
export function textOf(rows: Rows): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function headOf({ versions }: Comparison, peer: string): string {
  return `${peer} (${versions[peer]})`
}
