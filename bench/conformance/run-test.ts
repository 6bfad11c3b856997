import type { Peer } from './peer.ts'
import { planOf, programOf } from './program.ts'
import type { ConformanceTest } from './selection.ts'

const STATUS = ['pass', 'fail', 'timeout', 'not run', 'not supported'] as const

export type SubtestStatus = (typeof STATUS)[number]

export interface Subtest {
  readonly name: string
  readonly status: SubtestStatus
  readonly message?: string
}

/** What a peer made of a test. */
export interface TestResult {
  readonly peer: string
  readonly id: string
  readonly folder: string
  readonly subtests: readonly Subtest[]
  /** What went wrong with the file as a whole: it could not be evaluated, took too long, or ended its run. */
  readonly trouble?: string
  readonly ms: number
}

interface Answer {
  readonly harness: { readonly status: number; readonly message?: string }
  readonly subtests: readonly { readonly name: string; readonly status: number; readonly message?: string }[]
}

/** Runs one test in one peer. Never rejects for what the test or the peer does. */
export async function runTest(tree: string, test: ConformanceTest, peer: Peer): Promise<TestResult> {
  const plan = planOf(tree, test)
  const start = performance.now()
  const ending = await peer.run(programOf(plan), plan.timeoutMs)
  const ms = Math.round(performance.now() - start)
  const about = { peer: peer.name, id: test.id, folder: test.folder, ms }
  if (ending.kind === 'broken') return { ...about, subtests: [], trouble: ending.why.slice(0, 400) }
  const { harness, subtests } = JSON.parse(ending.text) as Answer
  return { ...about, subtests: named(subtests), ...(harness.status !== 0 && { trouble: troubleOf(harness) }) }
}

function troubleOf({ status, message }: Answer['harness']): string {
  return status === 2 ? 'timeout' : (message ?? 'error')
}

/** Names are told apart, so that peers can be compared by them. */
function named(subtests: Answer['subtests']): Subtest[] {
  const seen = new Map<string, number>()
  return subtests.map(({ name, status, message }) => {
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return {
      name: count === 1 ? name : `${name} (${count})`,
      status: STATUS[status] ?? 'fail',
      ...(message !== undefined && { message }),
    }
  })
}
