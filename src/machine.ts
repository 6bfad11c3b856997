import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

/** Memory in bytes that this process and its cells may use: the container's limit where there is one, else the machine's. */
export function machineMemory(): number {
  // Without a limit the system reports 0 or more than there is.
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

/** What the host keeps open besides connections: its database, logs and threads, with room. */
const OWN_DESCRIPTORS = 200
/** A cell's socket, its standard error, and the files by which it is watched, from two threads. */
const CELL_DESCRIPTORS = 8
const CONNECTIONS_MIN = 100

/** Files and sockets that this process may have open; Infinity where that cannot be read. */
export function descriptorsMax(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined ? Infinity : Number(soft)
  } catch {
    return Infinity
  }
}

/**
 * How many connections may be open at once, of `wanted`: so many that there are descriptors left for every cell. With none
 * left a flood of connections would keep the host from starting cells.
 */
export function connectionsWithin(wanted: number, descriptors: number, cells: number): number {
  return Math.min(wanted, Math.max(CONNECTIONS_MIN, descriptors - OWN_DESCRIPTORS - CELL_DESCRIPTORS * cells))
}
