import { execFileSync } from 'node:child_process'
import { appendFileSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Effort, Finding } from './finding.ts'

export const RESULTS_DIRECTORY = fileURLToPath(new URL('./results/', import.meta.url))

/** On what and how a run of the bench took place. */
export interface Circumstances {
  readonly at: string
  readonly commit: string
  readonly node: string
  readonly kernel: string
  readonly processor: string
  readonly cores: number
  readonly memoryMb: number
  readonly effort: Effort
}

/** Everything of one run of the bench. */
export interface Results {
  readonly circumstances: Circumstances
  readonly measures: ReadonlyMap<string, { readonly about: string; readonly findings: readonly Finding[] }>
}

/** Opens a new file of JSON lines: the circumstances first, then a line a finding, each written when it is known. */
export function createResultsFile(effort: Effort) {
  mkdirSync(RESULTS_DIRECTORY, { recursive: true })
  const circumstances = { ...describeMachine(), effort }
  const file = join(RESULTS_DIRECTORY, `${circumstances.at.replaceAll(':', '-')}.jsonl`)
  const write = (line: object): void => appendFileSync(file, `${JSON.stringify(line)}\n`)
  write({ kind: 'circumstances', ...circumstances })
  return {
    file,
    add(measure: string, about: string, findings: readonly Finding[]): void {
      for (const finding of findings) write({ kind: 'finding', measure, about, ...finding })
    },
  }
}

/** The newest results there are; undefined before the first run. */
export function readLatestResults(): Results | undefined {
  const file = globSync('*.jsonl', { cwd: RESULTS_DIRECTORY }).toSorted().at(-1)
  if (file === undefined) return undefined
  const lines = readFileSync(join(RESULTS_DIRECTORY, file), 'utf8').trim().split('\n')
  const [circumstances, ...rest] = lines.map((line) => JSON.parse(line) as unknown)
  const findings = rest as (Finding & { measure: string; about: string })[]
  const groups = Map.groupBy(findings, (finding) => finding.measure)
  return {
    circumstances: circumstances as Circumstances,
    measures: new Map([...groups].map(([name, found]) => [name, { about: found[0]?.about ?? '', findings: found }])),
  }
}

/** What machine and commit this is, now. */
export function describeMachine(): Omit<Circumstances, 'effort'> {
  return {
    at: new Date().toISOString(),
    commit: commitNow(),
    node: process.version,
    kernel: release(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryMb: Math.round(totalmem() / 2 ** 20),
  }
}

function commitNow(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'unknown'
  }
}
