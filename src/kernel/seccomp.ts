import type { Architecture } from './architecture.ts'
import { INSTRUCTION_BYTES } from './bpf.ts'
import type { Libc } from './libc.ts'

const SECCOMP_SET_MODE_FILTER = 1
const SECCOMP_FILTER_FLAG_TSYNC = 1
const PR_SET_NO_NEW_PRIVS = 38

/** Which threads a filter binds: the caller and what it starts, or every thread of the process at once. */
export type FilterScope = 'this thread' | 'all threads'

/**
 * Puts a filter in force for good, and gives up for good that a program could gain privileges: the kernel asks for
 * that of whoever sets a filter without privileges. Throws if the kernel refuses.
 */
export function installFilter(libc: Libc, architecture: Architecture, filter: Buffer, scope: FilterScope): void {
  if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1) !== 0) throw new Error('no_new_privs was refused')
  const program = Buffer.alloc(16)
  program.writeUInt16LE(filter.length / INSTRUCTION_BYTES, 0)
  program.writeBigUInt64LE(libc.address(filter), 8)
  const flags = scope === 'all threads' ? SECCOMP_FILTER_FLAG_TSYNC : 0
  const result = libc.syscall(
    architecture.number('seccomp') ?? -1,
    SECCOMP_SET_MODE_FILTER,
    flags,
    libc.address(program),
  )
  // Above 0 it is the thread that could not be brought into line.
  if (result !== 0) throw new Error(`the kernel refused a seccomp filter (${result < 0 ? libc.errno() : 'TSYNC'})`)
}
