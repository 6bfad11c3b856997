import { SYSCALLS, type SyscallName } from './syscalls.ts'

/** What differs between the processors that the operating-system wall knows. */
export interface Architecture {
  readonly name: 'x64' | 'arm64'
  /** The kernel's AUDIT_ARCH constant: a filter must refuse calls made in another processor's convention. */
  readonly audit: number
  /** Number of a system call, or undefined where the architecture does not have it. */
  number(call: SyscallName): number | undefined
}

const X64: Architecture = { name: 'x64', audit: 0xc000_003e, number: (call) => SYSCALLS[call][0] }
const ARM64: Architecture = { name: 'arm64', audit: 0xc000_00b7, number: (call) => SYSCALLS[call][1] }

/** The architecture of a Node `process.arch`; undefined for those without a table of system calls. */
export function architectureOf(arch: string): Architecture | undefined {
  if (arch === 'x64') return X64
  return arch === 'arm64' ? ARM64 : undefined
}
