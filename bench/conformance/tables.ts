import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { fill } from '../containment/documents.ts'
import { markdownOf } from '../containment/tables.ts'
import type { Results } from './saved.ts'
import { type Comparison, compareResults, failedOnlyBy, passes, supersededIn } from './score.ts'
import type { ConformanceTest } from './selection.ts'

const OURS = 'cloister'
const README = fileURLToPath(new URL('./README.md', import.meta.url))

type Rows = readonly (readonly string[])[]

/** A row a folder, a column a peer, the sum last. */
export function summaryOf({ versions, tests }: Results): Rows {
  const peers = Object.keys(versions)
  const comparisons = compareResults(tests)
  const row = (label: string, group: readonly Comparison[]): string[] => [
    label,
    String(group.length),
    ...peers.map((peer) => share(group.filter((each) => passes(each, peer)).length, group.length)),
    ...(peers.length > 1 ? [String(failedOnlyBy(OURS, peers, group).length)] : []),
  ]
  const folders = [...Map.groupBy(comparisons, ({ folder }) => folder)]
  return [
    [
      'folder',
      'subtests',
      ...peers.map((peer) => headOf(peer, versions[peer])),
      ...(peers.length > 1 ? ['only ours fails'] : []),
    ],
    ...folders
      .toSorted(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
      .map(([folder, group]) => row(folder, group)),
    row('all', comparisons),
  ]
}

/** Which files are not run, by reason, as a list of Markdown. */
function skippedOf(tests: readonly ConformanceTest[]): string {
  const skipped = tests.filter(({ skip }) => skip !== undefined)
  const groups = Map.groupBy(skipped, ({ skip }) => skip ?? '')
  const filesOf = (group: readonly ConformanceTest[]): string[] => [...new Set(group.map(({ file }) => `\`${file}\``))]
  return [...groups].map(([why, group]) => `- ${why}: ${filesOf(group).join(', ')}`).join('\n')
}

/** Puts the tables into this folder's README. */
export async function writeTables(results: Results, tests: readonly ConformanceTest[]): Promise<string> {
  const count = new Set(results.tests.map(({ id }) => id)).size
  const superseded = [...supersededIn(results.tests)].map(
    ([why, left]) => `${left} subtests are left out: each ${why}.`,
  )
  const caption = [`${count} files and variants; ${results.at.slice(0, 10)}.`, ...superseded].join(' ')
  let text = readFileSync(README, 'utf8')
  text = fill(text, 'conformance', `${markdownOf(summaryOf(results))}\n\n${caption}`)
  text = fill(text, 'conformance-skipped', skippedOf(tests))
  writeFileSync(README, await format(text, { ...(await resolveConfig(README)), filepath: README }))
  return README
}

/** Every subtest that ours fails, under its file, with the others that fail it as well. */
export function failuresOf({ versions, tests }: Results): string {
  const peers = Object.keys(versions)
  const troubles = new Map(tests.filter(({ peer }) => peer === OURS).map(({ id, trouble }) => [id, trouble]))
  const failed = compareResults(tests).filter((each) => !passes(each, OURS))
  return [...Map.groupBy(failed, ({ id }) => id)]
    .map(([id, group]) => {
      const trouble = troubles.get(id)
      const lines = group.map((each) => failureLine(each, peers))
      return [`\n### ${id}: ${group.length}`, ...(trouble ? [`  ! ${trouble}`] : []), ...lines].join('\n')
    })
    .join('\n')
}

function failureLine(each: Comparison, peers: readonly string[]): string {
  const { status = 'not reached', message = '' } = each.byPeer.get(OURS) ?? {}
  const too = peers.filter((peer) => peer !== OURS && !passes(each, peer))
  return `- ${each.name}${too.length > 0 ? ` (${too.join(', ')} too)` : ''}\n    ${status}: ${message.replaceAll('\n', ' ')}`
}

/** Ours is what stands in this tree; a commit in a document would be the one before the document's own. */
function headOf(peer: string, version: string | undefined): string {
  return peer === OURS ? peer : `${peer} (${version})`
}

function share(count: number, total: number): string {
  // Never rounded up to all of it.
  return `${count} (${(Math.floor((count / total) * 1_000) / 10).toFixed(1)} %)`
}
