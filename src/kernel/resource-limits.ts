import type { Libc } from './libc.ts'

/** Numbers of setrlimit(2), the same on x86-64 and arm64. */
const RESOURCE = { fileSize: 1, data: 2, core: 4, openFiles: 7, lockedMemory: 8, messageQueues: 12 } as const

/** Descriptors of a cell: some twenty are open when it has started, and it opens none afterwards. */
const OPEN_FILES_MAX = 64n

/**
 * Limits that hold even for native code of an attacker: no core dump, no byte written to a file, no more than a few
 * descriptors, no locked memory. Soft and hard limit are set together, so that none can be raised again.
 */
export function limitResources(libc: Libc): void {
  libc.setrlimit(RESOURCE.core, 0n)
  libc.setrlimit(RESOURCE.fileSize, 0n)
  libc.setrlimit(RESOURCE.openFiles, OPEN_FILES_MAX)
  libc.setrlimit(RESOURCE.lockedMemory, 0n)
  libc.setrlimit(RESOURCE.messageQueues, 0n)
}

/**
 * Bounds the private writable memory of another process (its `VmData`): past it the kernel refuses it more. Only usable
 * for cells without JIT, because every isolate with JIT reserves half a gigabyte of it. False if the kernel refuses.
 */
export function limitData(libc: Libc, pid: number, bytes: number): boolean {
  return libc.prlimit(pid, RESOURCE.data, BigInt(Math.ceil(bytes))) === 0
}
