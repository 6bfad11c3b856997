import type { WallLevel } from '../core/run.ts'
import type { CellProfile } from './profile.ts'
import type { CellProgram } from './program.ts'

/** How to start a process, in full: the spawner adds the socket and nothing else. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  /** A file of seccomp instructions that the command takes as descriptor {@link DESCRIPTOR}.filter. */
  readonly filterFile?: string
  /** The command is not the cell but its parent: it writes the cell's pid to descriptor {@link DESCRIPTOR}.info. */
  readonly isWrapped: boolean
}

/** Descriptors that a started process finds open. */
export const DESCRIPTOR = { socket: 3, info: 4, filter: 5 } as const

/** The environment of every cell. No variable is secret, and none comes from the host's own. */
export const CELL_ENVIRONMENT: Readonly<Record<string, string>> = {
  UV_THREADPOOL_SIZE: '1',
  // Alike at every level: an empty file tree has no time zones.
  TZ: 'UTC',
}

/** Makes the launch of a cell's program at one level of the walls. */
export type Launcher = (program: CellProgram, profile: CellProfile) => Launch

/** Starts Node directly: levels B and C, whose difference is the thread that starts it and how the cell locks itself in. */
export function plainLauncher(walls: WallLevel): Launcher {
  return ({ file, addon }, profile) => ({
    command: process.execPath,
    args: [...nodeFlags([file, addon], profile), file, addon, walls, String(process.pid)],
    isWrapped: false,
  })
}

/** Flags of a cell's Node. `files` is all that it may read. */
export function nodeFlags(files: readonly string[], { jit, sharedMemory }: CellProfile): readonly string[] {
  return [
    // Cells may read their own two files and nothing else; sockets, processes, threads and workers are refused.
    '--permission',
    ...files.map((file) => `--allow-fs-read=${file}`),
    // Both are dropped before the first byte of a tenant arrives: see src/cell/lockdown.ts.
    '--allow-addons',
    ...(process.platform === 'linux' ? ['--allow-ffi'] : []),
    '--no-warnings',
    // The machine's own configuration of OpenSSL is a file that a cell may not read.
    '--openssl-config=/dev/null',
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
