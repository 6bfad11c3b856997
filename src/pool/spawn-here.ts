import { spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import type { ProcessEnd } from './death.ts'
import { collectLastWords } from './last-words.ts'
import { CELL_ENVIRONMENT, type Launch } from './launch.ts'
import type { CellProcess } from './spawner.ts'

/**
 * Starts a process from this thread: for systems where the C library cannot be called, which have no wall that a thread
 * could put up. Rejects if the system cannot start it.
 */
export function spawnHere({ command, args }: Launch): Promise<CellProcess> {
  const child = spawn(command, args, {
    cwd: '/',
    env: CELL_ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const { promise: ended, resolve } = Promise.withResolvers<ProcessEnd>()
  const words = collectLastWords(child.stderr)
  child.on('exit', (code, signal) => resolve({ code, signal, lastWords: words() }))
  return new Promise((started, failed) => {
    child.on('error', failed)
    child.on('spawn', () =>
      started({
        pid: child.pid ?? 0,
        socket: child.stdio[3] as Duplex,
        ended,
        kill: () => void child.kill('SIGKILL'),
      }),
    )
  })
}
