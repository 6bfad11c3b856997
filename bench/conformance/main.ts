import { parseArgs } from 'node:util'
import { textOf } from '../containment/tables.ts'
import type { Peer } from './peer.ts'
import { openCloister } from './peers/cloister.ts'
import { openDeno } from './peers/deno.ts'
import { openWorkerd } from './peers/workerd.ts'
import { type TestResult, runTest } from './run-test.ts'
import { type ResultsFile, createResultsFile, readNewestResults } from './saved.ts'
import { type ConformanceTest, FOLDERS, findTests } from './selection.ts'
import { failuresOf, summaryOf, writeTables } from './tables.ts'

const PEERS: Readonly<Record<string, () => Promise<Peer>>> = {
  cloister: openCloister,
  deno: openDeno,
  workerd: openWorkerd,
}

const HELP = `node bench/conformance/main.ts --wpt DIR [--only PATH[,PATH]] [--peers NAME[,NAME]] [--verbose] [--saved] [--write]

Runs the web-platform-tests of the minimum common web API.

  --wpt DIR        where the tests are; else CLOISTER_WPT. README.md beside this file says how to get them
  --only PATH,...  folders or files in them, such as url or url/url-constructor.any.js; else ${FOLDERS.join(', ')}
  --peers NAME,... of ${Object.keys(PEERS).join(', ')}; cloister alone if absent
  --verbose        every subtest that fails, with its message
  --saved          run nothing: show the newest result of every test and peer, and what Cloister fails
  --write          put the newest results into README.md beside this file
`

const { values } = parseArgs({
  options: {
    wpt: { type: 'string', default: process.env['CLOISTER_WPT'] ?? '' },
    only: { type: 'string' },
    peers: { type: 'string', default: 'cloister' },
    verbose: { type: 'boolean', default: false },
    saved: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(HELP)
else await main()

async function main(): Promise<void> {
  const tests = findTests(values.wpt, values.only?.split(','))
  if (values.saved || values.write) return showSaved(tests)
  const file = createResultsFile()
  for (const name of values.peers.split(',')) {
    const open = PEERS[name]
    if (open === undefined) throw new Error(`there is no peer "${name}"\n\n${HELP}`)
    await using peer = await open()
    await runAll(tests, peer, file)
  }
  process.stderr.write(`\nkept in ${file.path}\n`)
}

async function runAll(tests: readonly ConformanceTest[], peer: Peer, file: ResultsFile): Promise<void> {
  file.addPeer(peer.name, peer.version)
  const sum = { passed: 0, all: 0 }
  for (const test of tests) {
    if (test.skip !== undefined) continue
    const result = await runTest(values.wpt, test, peer)
    file.addTest(result)
    sum.passed += tell(result)
    sum.all += result.subtests.length
  }
  process.stdout.write(`${peer.name}: ${sum.passed} of ${sum.all} subtests pass\n`)
}

function tell({ peer, id, subtests, trouble, ms }: TestResult): number {
  const passed = subtests.filter(({ status }) => status === 'pass').length
  process.stderr.write(`${peer}  ${passed}/${subtests.length}  ${id}  ${ms} ms${trouble ? `  ! ${trouble}` : ''}\n`)
  if (!values.verbose) return passed
  for (const { name, status, message } of subtests) {
    if (status !== 'pass') process.stdout.write(`  ${status}: ${name}${message ? `\n      ${message}` : ''}\n`)
  }
  return passed
}

async function showSaved(tests: readonly ConformanceTest[]): Promise<void> {
  const newest = readNewestResults()
  if (newest === undefined) throw new Error('there are no results yet')
  const ids = new Set(tests.filter(({ skip }) => skip === undefined).map(({ id }) => id))
  const results = { ...newest, tests: newest.tests.filter(({ id }) => ids.has(id)) }
  process.stdout.write(`${textOf(summaryOf(results))}\n`)
  if (values.verbose) process.stdout.write(`${failuresOf(results)}\n`)
  if (values.write) process.stdout.write(`\nwritten to ${await writeTables(results, tests)}\n`)
}
