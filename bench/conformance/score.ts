import type { Subtest, TestResult } from './run-test.ts'
import { supersededBy } from './superseded.ts'

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
 * Every subtest that any peer found, but for those that the standard has overtaken. Counting each peer's own findings would reward one that fails before it has
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
  return [...subtests]
    .filter(([name]) => supersededBy(id, name) === undefined)
    .map(([name, byPeer]) => ({ id, folder, name, byPeer }))
}

export function passes({ byPeer }: Comparison, peer: string): boolean {
  return byPeer.get(peer)?.status === 'pass'
}

/** What `peer` fails and every other one passes. */
export function failedOnlyBy(peer: string, peers: readonly string[], comparisons: readonly Comparison[]) {
  const others = peers.filter((other) => other !== peer)
  return comparisons.filter((each) => !passes(each, peer) && others.every((other) => passes(each, other)))
}

/** Subtests that are counted for no peer, because the standard has changed since they were written: how many, by reason. */
export function supersededIn(results: readonly TestResult[]): ReadonlyMap<string, number> {
  const found = new Set(results.flatMap(({ id, subtests }) => subtests.map(({ name }) => `${id}\n${name}`)))
  const counts = new Map<string, number>()
  for (const each of found) {
    const [id = '', name = ''] = each.split('\n')
    const why = supersededBy(id, name)
    if (why !== undefined) counts.set(why, (counts.get(why) ?? 0) + 1)
  }
  return counts
}
