import type { Policy } from '../core/policy.ts'
import type { Mebibytes } from '../core/quantity.ts'

/** What a cell is made for before it has a tenant: the flags of its process, and the heap limit of its ready isolates. */
export interface CellProfile {
  readonly jit: boolean
  readonly sharedMemory: boolean
  readonly memoryMb: Mebibytes
}

/** The profile that a policy's runs need. */
export function profileOf({ engine, limits }: Policy): CellProfile {
  return { jit: engine.jit, sharedMemory: engine.sharedMemory, memoryMb: limits.memory }
}

/** One text for one profile, whatever object describes it. */
export function profileKey(profile: CellProfile): string {
  return `${flagsKey(profile)} ${profile.memoryMb}`
}

/**
 * What of a profile can never be changed in a process that runs. A cell that differs in its heap limit alone can serve: its
 * ready isolates are made anew when it is assigned, which costs less than a tenth of a new process.
 */
export function flagsKey({ jit, sharedMemory }: CellProfile): string {
  return `${jit ? 'jit' : 'jitless'} ${sharedMemory ? 'shared' : 'unshared'}`
}
