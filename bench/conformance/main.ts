import { parseArgs } from 'node:util'
import type { Peer } from './peer.ts'
import { openCloister } from './peers/cloister.ts'
import { openDeno } from './peers/deno.ts'
import { openWorkerd } from './peers/workerd.ts'
import { type TestResult, runTest } from './run-test.ts'
import { FOLDERS, findTests } from './selection.ts'

const PEERS: Readonly<Record<string, () => Promise<Peer>>> = {
  cloister: openCloister,
  deno: openDeno,
  workerd: openWorkerd,
}

const HELP = `node bench/conformance/main.ts --wpt DIR [--only PATH[,PATH]] [--peers NAME[,NAME]] [--verbose]

Runs the web-platform-tests of the minimum common web API.

  --wpt DIR        where the tests are; else CLOISTER_WPT. README.md beside this file says how to get them
  --only PATH,...  folders or files in them, such as url or url/url-constructor.any.js; else ${FOLDERS.join(', ')}
  --peers NAME,... ${Object.keys(PEERS).join(', ')}; the first alone if absent
  --verbose        every subtest that fails, with its message
`

await main()

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      wpt: { type: 'string', default: process.env['CLOISTER_WPT'] ?? '' },
      only: { type: 'string' },
      peers: { type: 'string', default: 'cloister' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void process.stdout.write(HELP)
  const tests = findTests(values.wpt, values.only?.split(','))
  const results: TestResult[] = []
  for (const name of values.peers.split(',')) {
    const open = PEERS[name]
    if (open === undefined) throw new Error(`there is no peer "${name}"\n\n${HELP}`)
    await using peer = await open()
    for (const test of tests) {
      if (test.skip !== undefined) {
        process.stderr.write(`${test.id}: skipped, ${test.skip}\n`)
        continue
      }
      const result = await runTest(values.wpt, test, peer)
      results.push(result)
      tell(result, values.verbose)
    }
  }
}

function tell({ peer, id, subtests, trouble, ms }: TestResult, verbose: boolean): void {
  const passed = subtests.filter(({ status }) => status === 'pass').length
  process.stderr.write(`${peer}  ${passed}/${subtests.length}  ${id}  ${ms} ms${trouble ? `  ! ${trouble}` : ''}\n`)
  if (!verbose) return
  for (const { name, status, message } of subtests) {
    if (status !== 'pass') process.stdout.write(`  ${status}: ${name}${message ? `\n      ${message}` : ''}\n`)
  }
}
