/** The part of `process.permission` that @types/node does not describe yet. */
interface Permission {
  drop(scope: string): void
}

const PR_SET_PDEATHSIG = 1
const PR_SET_DUMPABLE = 4
const PR_SET_NO_NEW_PRIVS = 38
const SIGKILL = 9

/**
 * Gives up, for good and before the first byte of a tenant, what a cell needs only to start: reading files, loading
 * native addons, calling C. On Linux it also asks the kernel to kill this process when its host dies, to never grant
 * it privileges, and to let nobody attach to it.
 *
 * Invariant: a cell never outlives its host, whatever its guest is doing.
 */
export function lockDown(hostPid: number): void {
  if (process.platform === 'linux') askKernel(hostPid)
  const permission = (process as { permission?: Permission }).permission
  for (const scope of ['ffi', 'fs.read', 'addon']) permission?.drop(scope)
}

function askKernel(hostPid: number): void {
  // Fetched here, not imported: the module does not exist on systems without FFI, where it is not needed.
  const ffi = process.getBuiltinModule('node:ffi')
  const { functions } = openLibc(ffi)
  functions.prctl(PR_SET_PDEATHSIG, SIGKILL)
  functions.prctl(PR_SET_NO_NEW_PRIVS, 1)
  functions.prctl(PR_SET_DUMPABLE, 0)
  // The host may have died before the first call; then nobody else ends this process.
  if (process.ppid !== hostPid) process.kill(process.pid, 'SIGKILL')
}

interface Libc {
  readonly functions: { prctl(option: number, value: number): number }
}

function openLibc(ffi: typeof import('node:ffi')): Libc {
  const names = ['libc.so.6', `libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`]
  for (const name of names) {
    try {
      const { functions } = ffi.dlopen(name, {
        prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
      })
      const prctl = functions['prctl'] as (...args: (number | bigint)[]) => number
      return { functions: { prctl: (option, value) => prctl(option, BigInt(value), 0n, 0n, 0n) } }
    } catch {
      continue
    }
  }
  throw new Error('no C library found to lock the cell down with')
}
