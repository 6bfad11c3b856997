import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LIMITS } from '../program.ts'
import { denoBinary } from '../packages.ts'
import { type Ending, type Submitted, callOf, endBy, serveHost } from './host.ts'

/**
 * A Deno process a run: no permission, nothing to ask, nothing to download, an empty environment, a heap limit for V8. The host
 * takes at most a megabyte of output and kills the process at the deadline, both of which are the user's job.
 */
const FLAGS = ['run', '--quiet', '--no-prompt', '--no-config', '--no-lock', '--no-remote', '--no-npm', '--cached-only']
const OUTPUT_BYTES_MAX = 2 ** 20

serveHost(async () => async (program) => {
  const directory = mkdtempSync(join(tmpdir(), 'cloister-bench-'))
  try {
    return await runIn(directory, program)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

async function runIn(directory: string, program: Submitted): Promise<Ending> {
  const file = join(directory, 'main.js')
  writeFileSync(file, `console.log(JSON.stringify(await ${callOf(program)}) ?? 'undefined')\n`)
  const flags = [...FLAGS, `--v8-flags=--max-old-space-size=${LIMITS.memoryMb}`, file]
  const child = spawn(denoBinary(), flags, {
    cwd: directory,
    env: { DENO_DIR: join(directory, 'cache'), NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { 1: '', 2: '' }
  const { promise, resolve } = Promise.withResolvers<Ending>()
  for (const [stream, name] of [
    [child.stdout, 1],
    [child.stderr, 2],
  ] as const) {
    stream.on('data', (chunk: Buffer) => {
      output[name] += chunk.toString()
      if (output[name].length > OUTPUT_BYTES_MAX) child.kill('SIGKILL')
    })
  }
  child.once('close', (exitCode, signal) =>
    resolve(
      exitCode === 0
        ? { kind: 'value', text: output[1].trim() }
        : { kind: signal === null ? 'error' : 'limit', text: `${signal ?? exitCode}: ${output[2].slice(0, 2_000)}` },
    ),
  )
  return await endBy(program.wallMs, promise, () => {
    child.kill('SIGKILL')
    return promise
  })
}
