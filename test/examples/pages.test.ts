import { execFile } from 'node:child_process'
import { readFileSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT, createDirectory } from '../cli/command-line.ts'
import { type Server, startServer } from '../e2e/server.ts'

/** Runs every command on the examples' pages as it stands there, and compares what it prints with what the page shows. */
const EXAMPLES = ['template-renderer', 'csv-to-json', 'webhook-verifier']
// What else stands in the root of a checkout is of no use to a command.
const NEEDED = ['bin', 'examples', 'node_modules', 'package.json', 'policies', 'sandbox-api', 'src']

let server: Server
beforeAll(async () => {
  server = await startServer()
  await server.tenant('ann')
})
afterAll(() => server[Symbol.asyncDispose]())

test.each(EXAMPLES)('every command of %s prints what its page shows', { timeout: 300_000 }, async (example) => {
  using folder = createDirectory()
  for (const name of NEEDED) symlinkSync(join(ROOT, name), join(folder.path, name))
  const page = readFileSync(join(ROOT, 'examples', example, 'README.md'), 'utf8')
  const pairs = [...page.matchAll(/^```sh\n(.*?)^```\n\n```\n(.*?)^```$/gms)]
  expect(pairs).toHaveLength(2)
  for (const [, commands = '', shown = ''] of pairs) {
    const script = `exec 2>&1\n${commands.replaceAll('http://127.0.0.1:8787', server.url)}`
    const env = { ...process.env, KEY: server.adminKey }
    const { stdout } = await promisify(execFile)('sh', ['-ec', script], { cwd: folder.path, env })
    expect(settle(stdout)).toBe(settle(shown))
  }
})

test('there is a page for every example', () => {
  const folders = readdirSync(join(ROOT, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  // What `typed` shows is for editors: types.test.ts checks it. `payment-intent` talks to somebody else's servers; its own
  // test does so with one of this machine's.
  // Users and orders have new ids each time, and tests of their own.
  const all = [...EXAMPLES, 'typed', 'payment-intent', 'user-service', 'order-saga', 'pet-store']
  expect(folders.map(({ name }) => name).toSorted()).toEqual(all.toSorted())
  const index = readFileSync(join(ROOT, 'examples/README.md'), 'utf8')
  for (const name of all) expect(index).toContain(`[${name}](${name})`)
})

/** Text without what differs from run to run and from machine to machine. */
function settle(text: string): string {
  return (
    text
      .replaceAll(/^npm warn .*\n/gm, '')
      .replaceAll(/run_[0-9a-v]{26}/g, 'RUN')
      .replaceAll(/[\d.,]+ m?s (wall|cpu)/g, 'N $1')
      .replaceAll(/\d+ units? of/g, 'N units of')
      // There only if the run was long enough to be seen.
      .replaceAll(/\s*"?peakMemoryMb"?: ?[\d.]+,/g, '')
      .replaceAll(/("?(?:wallMs|cpuMs|units|billedMs)"?: ?)[\d.]+/g, '$1N')
      .replaceAll(/("?coldStart"?: ?)(true|false)/g, '$1B')
      .replaceAll(/(\$|"?costUsd"?: ?['"])0\.\d+/g, '$1N')
      .trim()
  )
}
