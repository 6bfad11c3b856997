import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { denoBinary, installedVersion } from '../../containment/packages.ts'
import { type Ending, GRACE_MS, type Peer } from '../peer.ts'

const FLAGS = ['run', '--quiet', '--no-prompt', '--no-config', '--no-lock', '--no-remote', '--no-npm', '--cached-only']
/** Sets the answer apart from what the test itself prints. */
const ANSWER = '\u0002conformance:'

/** A Deno process a test, without any permission. */
export async function openDeno(): Promise<Peer> {
  const directory = mkdtempSync(join(tmpdir(), 'cloister-bench-'))
  return {
    name: 'deno',
    version: installedVersion('deno') ?? '',
    run: (program, timeoutMs) => runIn(directory, program, timeoutMs),
    [Symbol.asyncDispose]: async () => rmSync(directory, { recursive: true, force: true }),
  }
}

async function runIn(directory: string, program: string, timeoutMs: number): Promise<Ending> {
  const file = join(directory, 'main.js')
  writeFileSync(
    file,
    `const print = console.log, exit = Deno.exit\nprint(${JSON.stringify(ANSWER)} + (await ${program}((0, eval))))\nexit(0)\n`,
  )
  const child = spawn(denoBinary(), [...FLAGS, file], {
    cwd: directory,
    env: { DENO_DIR: join(directory, 'cache'), NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { text: '', errors: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.text += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.errors += text))
  const over = new AbortController()
  const closed = once(child, 'close').finally(() => over.abort())
  const late = pause(timeoutMs + GRACE_MS, 'timeout', { signal: over.signal }).catch(() => undefined)
  if ((await Promise.race([closed, late])) === 'timeout') child.kill('SIGKILL')
  await closed
  const start = output.text.indexOf(ANSWER)
  if (start !== -1) return { kind: 'answered', text: output.text.slice(start + ANSWER.length) }
  return { kind: 'broken', why: `${child.signalCode ?? child.exitCode}: ${output.errors}` }
}
