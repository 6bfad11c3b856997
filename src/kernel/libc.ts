import { SPAWN_SIGNATURES, type Spawn, createSpawn } from './posix-spawn.ts'

/** The C library through Node's FFI: nothing is compiled, nothing is installed. Linux only. */
export interface Libc extends Spawn {
  /** Makes a system call by number; -1 for a refusal, then {@link Libc.errno} says which. */
  syscall(number: number, ...args: readonly (number | bigint)[]): number
  /** Error number of the call before, on this thread. */
  errno(): number
  prctl(option: number, value: number | bigint): number
  setrlimit(resource: number, bytes: bigint): number
  /** Sets a limit of another process of the same user. */
  prlimit(pid: number, resource: number, bytes: bigint): number
  /** Changes user and group of all threads for good and leaves every supplementary group. */
  becomeUser(uid: number): number
  /** Nice value of the calling thread and of what it starts: higher is less important. */
  setNice(value: number): number
  /** Nice value of the main thread of another process; to lower it again takes a privilege. */
  setNiceOf(pid: number, value: number): number
  /** Moves the calling thread, and it alone, to the root folder; what it starts begins there. */
  leaveFolder(): void
  /** CPU time of a process in ms by the kernel's clock; undefined when there is no such process. */
  cpuMs(pid: number): number | undefined
  /** Two connected sockets that no program inherits by itself. */
  socketPair(): readonly [number, number]
  close(descriptor: number): void
  /** Address of a buffer's first byte, to hand to a system call. The caller keeps the buffer alive. */
  address(buffer: NodeJS.TypedArray): bigint
}

const NAMES = ['libc.so.6', `libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`]

const SIGNATURES = {
  syscall: { arguments: ['i64', 'i64', 'i64', 'i64', 'i64', 'i64', 'i64'], return: 'i64' },
  __errno_location: { arguments: [], return: 'pointer' },
  prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
  setrlimit: { arguments: ['i32', 'pointer'], return: 'i32' },
  prlimit: { arguments: ['i32', 'i32', 'pointer', 'pointer'], return: 'i32' },
  setgroups: { arguments: ['u64', 'pointer'], return: 'i32' },
  setresgid: { arguments: ['u32', 'u32', 'u32'], return: 'i32' },
  setresuid: { arguments: ['u32', 'u32', 'u32'], return: 'i32' },
  setpriority: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  clock_gettime: { arguments: ['i32', 'pointer'], return: 'i32' },
  socketpair: { arguments: ['i32', 'i32', 'i32', 'pointer'], return: 'i32' },
  unshare: { arguments: ['i32'], return: 'i32' },
  chdir: { arguments: ['pointer'], return: 'i32' },
  ...SPAWN_SIGNATURES,
} as const

const CLONE_FS = 0x200
const ROOT = Buffer.from('/\0')
const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_CLOEXEC = 0o2_000_000
/** The clock id of a process's CPU time is its pid, complemented, above 3 bits that say "all threads, scheduled time". */
const CPU_CLOCK_BITS = 2

/**
 * Opens the C library. Undefined where there is none to open: another system, a Node without FFI, a process that has no
 * permission for it.
 */
export function openLibc(): Libc | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    // Fetched here, not imported: the module does not exist everywhere, and its warning is no news to anybody.
    const ffi = quietly(() => process.getBuiltinModule('node:ffi'))
    for (const name of NAMES) {
      const libc = open(ffi, name)
      if (libc !== undefined) return libc
    }
    return undefined
  } catch {
    return undefined
  }
}

type Ffi = typeof import('node:ffi')

function open(ffi: Ffi, name: string): Libc | undefined {
  let functions: ReturnType<typeof ffi.dlopen<typeof SIGNATURES>>['functions']
  try {
    ;({ functions } = ffi.dlopen(name, SIGNATURES))
  } catch {
    return undefined
  }
  const address = (buffer: NodeJS.TypedArray): bigint => BigInt(ffi.getRawPointer(buffer))
  // This thread's own, for as long as it lives: readable also when the permission to call C has been dropped.
  const errno = ffi.toBuffer(functions.__errno_location(), 4, false)
  const pair = new BigUint64Array(2)
  const pairAddress = address(pair)
  const limitOf = (value: bigint): bigint => {
    pair.fill(value)
    return pairAddress
  }
  const time = new BigInt64Array(2)
  const timeAddress = address(time)
  return {
    syscall(number, ...args) {
      const given = Array.from({ length: 6 }, (_, index) => BigInt(args[index] ?? 0))
      const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n] = given
      return Number(functions.syscall(BigInt(number), a, b, c, d, e, f))
    },
    errno: () => errno.readInt32LE(0),
    prctl: (option, value) => functions.prctl(option, BigInt(value), 0n, 0n, 0n),
    setrlimit: (resource, value) => functions.setrlimit(resource, limitOf(value)),
    prlimit: (pid, resource, value) => functions.prlimit(pid, resource, limitOf(value), 0n),
    becomeUser(uid) {
      return functions.setgroups(0n, 0n) + functions.setresgid(uid, uid, uid) + functions.setresuid(uid, uid, uid)
    },
    setNice: (value) => functions.setpriority(0, 0, value),
    setNiceOf: (pid, value) => functions.setpriority(0, pid, value),
    leaveFolder() {
      if (functions.unshare(CLONE_FS) === 0) functions.chdir(address(ROOT))
    },
    cpuMs(pid) {
      if (functions.clock_gettime((~pid << 3) | CPU_CLOCK_BITS, timeAddress) !== 0) return undefined
      return Number(time[0]) * 1_000 + Number(time[1]) / 1_000_000
    },
    socketPair() {
      const ends = new Int32Array(2)
      if (functions.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, address(ends)) !== 0) {
        throw new Error('the system has no more sockets')
      }
      return [ends[0] ?? -1, ends[1] ?? -1]
    },
    close: (descriptor) => void functions.close(descriptor),
    address,
    ...createSpawn(functions, address),
  }
}

/** Loads what Node calls experimental without its warning on the operator's terminal. */
function quietly<Value>(load: () => Value): Value {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}
