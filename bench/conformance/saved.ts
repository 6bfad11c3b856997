import { appendFileSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RESULTS_DIRECTORY, describeMachine } from '../results.ts'
import type { TestResult } from './run-test.ts'

const DIRECTORY = join(RESULTS_DIRECTORY, 'conformance')

type Line =
  | ({ readonly kind: 'circumstances' } & ReturnType<typeof describeMachine>)
  | { readonly kind: 'peer'; readonly name: string; readonly version: string }
  | ({ readonly kind: 'test' } & TestResult)

/** Where results are kept while they are made. */
export interface ResultsFile {
  readonly path: string
  addPeer(name: string, version: string): void
  addTest(result: TestResult): void
}

/** Opens a new file of JSON lines: the circumstances first, then each peer with its tests. */
export function createResultsFile(): ResultsFile {
  mkdirSync(DIRECTORY, { recursive: true })
  const machine = describeMachine()
  const path = join(DIRECTORY, `${machine.at.replaceAll(':', '-')}.jsonl`)
  const write = (line: Line): void => appendFileSync(path, `${JSON.stringify(line)}\n`)
  write({ kind: 'circumstances', ...machine })
  return {
    path,
    addPeer: (name, version) => write({ kind: 'peer', name, version }),
    addTest: (result) => write({ kind: 'test', ...result }),
  }
}

/** Results by peer and test, from as many runs as it takes, and the version of each peer. */
export interface Results {
  readonly at: string
  readonly versions: Readonly<Record<string, string>>
  readonly tests: readonly TestResult[]
}

/** The newest result of each test in each peer. Undefined if there is none. */
export function readNewestResults(): Results | undefined {
  const versions: Record<string, string> = {}
  const tests = new Map<string, TestResult>()
  let at = ''
  for (const file of globSync('*.jsonl', { cwd: DIRECTORY }).toSorted()) {
    for (const line of linesOf(join(DIRECTORY, file))) {
      if (line.kind === 'circumstances') at = line.at
      else if (line.kind === 'peer') versions[line.name] = line.version
      else tests.set(`${line.peer} ${line.id}`, line)
    }
  }
  return at === '' ? undefined : { at, versions, tests: [...tests.values()] }
}

function linesOf(path: string): Line[] {
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}
