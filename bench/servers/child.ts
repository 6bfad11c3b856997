import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** A server that was started here and is ended by its process id. */
export interface Child extends AsyncDisposable {
  readonly pid: number
  /** The first line that it wrote to the descriptor it announces itself on. */
  readonly firstLine: string
}

interface Start {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** The descriptor on which it announces itself: 1, or 3 for one that is opened for it. */
  readonly announces: 1 | 3
}

const START_TIMEOUT_MS = 30_000
const END_TIMEOUT_MS = 15_000

/** Starts a server and waits for its first line. Rejects with what it wrote to standard error when there is none. */
export async function startChild({ command, args, env = {}, announces }: Start): Promise<Child> {
  const options: SpawnOptions = {
    stdio: ['ignore', 'pipe', 'pipe', ...(announces === 3 ? (['pipe'] as const) : [])],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
  }
  const child = spawn(command, args, options)
  const exited = once(child, 'exit').then(() => 'exited' as const)
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    if (errors.length < 10_000) errors += chunk.toString()
  })
  const output = child.stdio[announces] as Readable
  const lines = createInterface({ input: output })
  const line = once(lines, 'line').then(([text]) => String(text))
  const first = await Promise.race([line, exited.then(() => undefined), timeout(START_TIMEOUT_MS)])
  if (first === undefined || child.pid === undefined) {
    child.kill('SIGKILL')
    throw new Error(`${command} ${args.join(' ')} did not start: ${errors}`)
  }
  // What it writes later is dropped, so that it never waits for a reader.
  lines.on('line', () => {})
  child.stdout?.resume()
  return { pid: child.pid, firstLine: first, [Symbol.asyncDispose]: () => end(child, exited) }
}

async function end(child: ChildProcess, exited: Promise<'exited'>): Promise<void> {
  child.kill('SIGTERM')
  if ((await Promise.race([exited, timeout(END_TIMEOUT_MS)])) === undefined) child.kill('SIGKILL')
  await exited
}

function timeout(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref()
  })
}
