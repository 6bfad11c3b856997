import { totalmem } from 'node:os'

/** Memory in bytes that this process and its cells may use: the container's limit where there is one, else the machine's. */
export function machineMemory(): number {
  // Without a limit the system reports 0 or more than there is.
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}
