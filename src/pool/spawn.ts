import { type ChildProcess, spawn } from 'node:child_process'
import { dirname } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import type { CellProfile } from './profile.ts'
import type { CellProgram } from './program.ts'

/** A cell's process as the host holds it. */
export interface CellProcess {
  readonly child: ChildProcess
  readonly pid: number
  readonly socket: Duplex
  /** What it has written to standard error, cut: enough for V8's last words, which tell an exhausted heap from a crash. */
  lastWords(): string
}

/**
 * Starts a cell's process, with the engine that its profile says, an empty environment, no standard input or output, and one socket as descriptor 3.
 * Throws if the system cannot start a process.
 *
 * Invariant: a cell holds no credential: nothing of the host's environment, files or arguments is in it.
 */
export function spawnCell({ file, addon }: CellProgram, profile: CellProfile): CellProcess {
  const child = spawn(process.execPath, [...flags([file, addon], profile), file, addon, String(process.pid)], {
    cwd: dirname(file),
    env: { UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    // A group of its own: a Ctrl-C at the host's terminal drains the host; it must not kill the cells under its runs.
    detached: true,
  })
  const socket = child.stdio[3]
  if (child.pid === undefined || socket === null || socket === undefined || child.stderr === null) {
    // 'error' follows; without a listener it would end the host.
    child.on('error', () => {})
    throw new Error('the system could not start a cell process')
  }
  return { child, pid: child.pid, socket: socket as Duplex, lastWords: collect(child.stderr) }
}

/** Characters of standard error that are kept. The rest is read and dropped, so that a cell never blocks on it. */
const LAST_WORDS_MAX = 4_096

function collect(stderr: Readable): () => string {
  let words = ''
  stderr.on('data', (chunk: Buffer) => {
    if (words.length < LAST_WORDS_MAX) words += chunk.toString('latin1').slice(0, LAST_WORDS_MAX)
  })
  return () => words
}

function flags(files: readonly string[], { jit, sharedMemory }: CellProfile): string[] {
  return [
    // Cells may read their own two files and nothing else; sockets, processes, threads and workers are refused.
    '--permission',
    ...files.map((file) => `--allow-fs-read=${file}`),
    // Both are dropped before the first byte of a tenant arrives: see src/cell/lockdown.ts.
    '--allow-addons',
    ...(process.platform === 'linux' ? ['--allow-ffi'] : []),
    '--no-warnings',
    // No signal opens a debugger port.
    '--disable-sigusr1',
    '--disable-proto=delete',
    // One thread of V8's own: memory and scheduling of a cell stay small.
    '--v8-pool-size=1',
    ...(sharedMemory ? [] : ['--enable-sharedarraybuffer-per-context']),
    // No machine code is made at run time, and WebAssembly does not exist.
    ...(jit ? [] : ['--jitless']),
  ]
}
