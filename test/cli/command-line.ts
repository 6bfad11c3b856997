import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const BIN = fileURLToPath(new URL('../../bin/cloister.js', import.meta.url))
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Setting {
  /** What to start the program with; the Node that runs the tests if absent. */
  readonly node?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Gives it a process group of its own, which a signal can be sent to as a terminal does. */
  readonly group?: 'own'
  /** Standard input; closed at once if absent. */
  readonly input?: string
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the real program to its end: until all who hold its streams are gone. */
export async function runProgram(args: readonly string[], setting: Setting = {}): Promise<Ended> {
  const program = startProgram(args, setting)
  program.child.stdin!.end(setting.input ?? '')
  return await program.ended
}

export interface Started extends AsyncDisposable {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves with what the stream has printed once the text is in it; rejects when the program ends before. */
  printed(stream: 'stdout' | 'stderr', text: string): Promise<string>
}

/** Starts the real program. Leaving its scope kills it. */
export function startProgram(
  args: readonly string[],
  { node = process.execPath, env = {}, cwd, group }: Setting,
): Started {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(node, [BIN, ...args], {
    env: { PATH, HOME, CLOISTER_ALLOW_WEAK_WALLS: 'true', ...env },
    cwd,
    detached: group === 'own',
  })
  const text = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => (text[stream] += chunk))
  }
  // A program that has ended may leave its input unread.
  child.stdin.on('error', () => {})
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, ...text }))
  return {
    child,
    ended,
    async printed(stream, wanted) {
      const end = ended.then((result) => {
        throw new Error(`ended without printing ${JSON.stringify(wanted)}: ${JSON.stringify(result)}`)
      })
      end.catch(() => {})
      while (!text[stream].includes(wanted)) await Promise.race([once(child[stream], 'data'), end])
      return text[stream]
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** A directory of the test's own. */
export function createDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'cloister-cli-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
