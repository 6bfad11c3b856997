import type { WallLevel } from '../core/run.ts'
import { architectureOf } from '../kernel/architecture.ts'
import { lateFilter } from '../kernel/filters.ts'
import type { Libc } from '../kernel/libc.ts'
import { limitResources } from '../kernel/resource-limits.ts'
import { installFilter } from '../kernel/seccomp.ts'
import { die } from './die.ts'

/** The part of `process.permission` that @types/node does not describe yet. */
interface Permission {
  drop(scope: string): void
}

const PR_SET_PDEATHSIG = 1
const PR_SET_DUMPABLE = 4
const PR_SET_NO_NEW_PRIVS = 38
const SIGKILL = 9
/** The user that owns nothing: `nobody`. */
const NOBODY = 65_534

/** How a cell is to lock itself in. */
export interface Lockdown {
  readonly walls: WallLevel
  /** The process that must be the parent of this one; undefined in a namespace of its own, where it cannot be seen. */
  readonly hostPid: number | undefined
}

/**
 * Gives up, for good and before the first byte of a tenant, what a cell needs only to start: its user if that is root,
 * files, programs, native addons, calling C. Throws if a wall of the level that was asked for cannot be put up: the
 * cell then never becomes ready.
 *
 * Invariant: a cell never outlives its host, whatever its guest is doing.
 */
export function lockDown(libc: Libc | undefined, { walls, hostPid }: Lockdown): void {
  if (libc !== undefined) askKernel(libc, hostPid)
  if (walls !== 'C') closeKernel(libc)
  const permission = (process as { permission?: Permission }).permission
  for (const scope of ['ffi', 'fs.read', 'addon']) permission?.drop(scope)
}

function askKernel(libc: Libc, hostPid: number | undefined): void {
  // Where the host may not change users, the walls stand all the same: what is kept then is a name without rights.
  if (process.getuid?.() === 0 && hostPid !== undefined) libc.becomeUser(NOBODY)
  // After the change of user, which takes the first and the last of these back.
  libc.prctl(PR_SET_PDEATHSIG, SIGKILL)
  libc.prctl(PR_SET_NO_NEW_PRIVS, 1)
  libc.prctl(PR_SET_DUMPABLE, 0)
  limitResources(libc)
  // The host may have died before the first call; then nobody else ends this process.
  if (hostPid !== undefined && process.ppid !== hostPid) die()
}

function closeKernel(libc: Libc | undefined): void {
  const architecture = architectureOf(process.arch)
  if (libc === undefined || architecture === undefined) throw new Error('this system has no filter for system calls')
  installFilter(libc, architecture, lateFilter(architecture, process.pid), 'all threads')
}
