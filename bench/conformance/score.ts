import type { Subtest, TestResult } from './run-test.ts'

/** A subtest and what each peer made of it. A peer that did not get as far has no entry, which counts as a failure. */
export interface Comparison {
  readonly id: string
  readonly folder: string
  readonly name: string
  readonly byPeer: ReadonlyMap<string, Subtest>
}

/** What stands for a file in which no peer found a subtest. */
export const WHOLE_FILE = '(the whole file)'

/**
 * Every subtest that any peer found. Counting each peer's own findings would reward one that fails before it has
 * found any.
 */
export function compareResults(results: readonly TestResult[]): readonly Comparison[] {
  return [...Map.groupBy(results, ({ id }) => id).values()].flatMap(compareTest)
}

function compareTest(results: readonly TestResult[]): Comparison[] {
  const subtests = new Map<string, Map<string, Subtest>>()
  for (const { peer, subtests: found } of results) {
    for (const subtest of found) subtests.getOrInsertComputed(subtest.name, () => new Map()).set(peer, subtest)
  }
  if (subtests.size === 0) subtests.set(WHOLE_FILE, new Map())
  const { id, folder } = results[0] as TestResult
  return [...subtests].map(([name, byPeer]) => ({ id, folder, name, byPeer }))
}

export function passes({ byPeer }: Comparison, peer: string): boolean {
  return byPeer.get(peer)?.status === 'pass'
}

/** What `peer` fails and every other one passes. */
export function failedOnlyBy(peer: string, peers: readonly string[], comparisons: readonly Comparison[]) {
  const others = peers.filter((other) => other !== peer)
  return comparisons.filter((each) => !passes(each, peer) && others.every((other) => passes(each, other)))
}
