import { getSystemErrorName } from 'node:util'

/** A program to start, in full: nothing of the starting process is in it but what is named here. */
export interface SpawnPlan {
  readonly command: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Descriptors of this process, and the numbers (below {@link TARGETS_END}) that the program finds them at. */
  readonly descriptors: readonly (readonly [source: number, target: number])[]
}

/** How an ended process ended; one of the two is null. */
export interface WaitStatus {
  readonly code: number | null
  readonly signal: number | null
}

/** What {@link createSpawn} calls in the C library. */
export const SPAWN_SIGNATURES = {
  posix_spawn: {
    arguments: ['pointer', 'pointer', 'pointer', 'pointer', 'pointer', 'pointer'],
    return: 'i32',
  },
  posix_spawn_file_actions_init: { arguments: ['pointer'], return: 'i32' },
  posix_spawn_file_actions_adddup2: { arguments: ['pointer', 'i32', 'i32'], return: 'i32' },
  posix_spawn_file_actions_destroy: { arguments: ['pointer'], return: 'i32' },
  posix_spawnattr_init: { arguments: ['pointer'], return: 'i32' },
  posix_spawnattr_setflags: { arguments: ['pointer', 'i32'], return: 'i32' },
  posix_spawnattr_setsigdefault: { arguments: ['pointer', 'pointer'], return: 'i32' },
  posix_spawnattr_setsigmask: { arguments: ['pointer', 'pointer'], return: 'i32' },
  posix_spawnattr_destroy: { arguments: ['pointer'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
  fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  waitpid: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
} as const

type Signatures = typeof SPAWN_SIGNATURES
type Values<Kinds extends readonly string[]> = {
  -readonly [Index in keyof Kinds]: Kinds[Index] extends 'pointer' ? bigint : number
}
type Functions = { readonly [Name in keyof Signatures]: (...args: Values<Signatures[Name]['arguments']>) => number }

/** Calls of the C library for one thread. */
export interface Spawn {
  /**
   * Starts a program in a session of its own, every signal at its default and none blocked. Throws what the system says.
   *
   * The kernel makes the new process without copying this one: a fork copies the tables of all its memory, and makes each
   * page that is written to afterwards a copy. For a host of 250 MB that was 50 ms, and 190 ms more in its main thread.
   */
  spawn(plan: SpawnPlan): number
  /** How a process that {@link spawn} has started ended; undefined while it lives. Buries it: to be asked once more never. */
  reap(pid: number): WaitStatus | undefined
}

/** First number that no target may have. */
const TARGETS_END = 10
const F_DUPFD_CLOEXEC = 1_030
/** POSIX_SPAWN_SETSIGDEF, SETSIGMASK, SETSID: alike in glibc and musl. */
const FLAGS = 0x04 | 0x08 | 0x80
/** More than what glibc (80, 336) and musl (80, 336) need for their two structures and for a set of signals (128). */
const STRUCTURE_BYTES = 512
const SIGNAL_SET_BYTES = 128
const WNOHANG = 1
const SIGNAL_MASK = 0x7f

export function createSpawn(functions: Functions, address: (buffer: NodeJS.TypedArray) => bigint): Spawn {
  const everySignal = Buffer.alloc(SIGNAL_SET_BYTES, 0xff)
  const noSignal = Buffer.alloc(SIGNAL_SET_BYTES)
  const attributes = Buffer.alloc(STRUCTURE_BYTES)
  const actions = Buffer.alloc(STRUCTURE_BYTES)
  const out = new Int32Array(1)

  /** Calls `posix_spawn` with descriptors that are out of the way of all targets. */
  const start = (plan: SpawnPlan, descriptors: SpawnPlan['descriptors']): number => {
    functions.posix_spawnattr_init(address(attributes))
    functions.posix_spawn_file_actions_init(address(actions))
    try {
      functions.posix_spawnattr_setflags(address(attributes), FLAGS)
      functions.posix_spawnattr_setsigdefault(address(attributes), address(everySignal))
      functions.posix_spawnattr_setsigmask(address(attributes), address(noSignal))
      for (const [source, target] of descriptors) {
        functions.posix_spawn_file_actions_adddup2(address(actions), source, target)
      }
      const command = textOf(plan.command)
      const args = listOf([plan.command, ...plan.args], address)
      const environment = listOf(
        Object.entries(plan.environment).map(([name, value]) => `${name}=${value}`),
        address,
      )
      const given = [address(out), address(command), address(actions), address(attributes)] as const
      const fault = functions.posix_spawn(...given, address(args.pointers), address(environment.pointers))
      if (fault !== 0) throw new Error(`${getSystemErrorName(-fault)}: ${plan.command}`)
      return out[0] ?? 0
    } finally {
      functions.posix_spawn_file_actions_destroy(address(actions))
      functions.posix_spawnattr_destroy(address(attributes))
    }
  }

  return {
    spawn(plan) {
      const moved: number[] = []
      try {
        const descriptors = plan.descriptors.map(([source, target]) => {
          // A source that is among the targets would be gone when its turn came.
          const out = functions.fcntl(source, F_DUPFD_CLOEXEC, TARGETS_END)
          if (out < 0) throw new Error('no descriptor is free')
          moved.push(out)
          return [out, target] as const
        })
        return start(plan, descriptors)
      } finally {
        for (const descriptor of moved) functions.close(descriptor)
      }
    },
    reap(pid) {
      if (functions.waitpid(pid, address(out), WNOHANG) !== pid) return undefined
      const status = out[0] ?? 0
      const signal = status & SIGNAL_MASK
      return signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal }
    },
  }
}

function textOf(text: string): Buffer {
  if (text.includes('\0')) throw new Error('a text with a NUL in it cannot be handed to a program')
  return Buffer.from(`${text}\0`)
}

/** A list of texts as C has it. Both parts are to be kept for as long as the list is used. */
function listOf(texts: readonly string[], address: (buffer: NodeJS.TypedArray) => bigint) {
  const kept = texts.map(textOf)
  const pointers = new BigUint64Array(texts.length + 1)
  for (const [index, text] of kept.entries()) pointers[index] = address(text)
  return { pointers, kept }
}
