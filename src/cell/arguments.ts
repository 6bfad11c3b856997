import type { Lockdown } from './lockdown.ts'

/** What a cell's process is told on its command line, by its host. */
export interface CellArguments {
  /** Path of isolated-vm's addon, as this process sees it. */
  readonly addon: string
  readonly lockdown: Lockdown
}

/** Reads `ADDON WALLS HOST_PID`; a host pid of 0 is one that cannot be seen from here. Throws for anything else. */
export function readArguments([addon, walls, hostPid]: readonly string[]): CellArguments {
  if (addon === undefined || hostPid === undefined || (walls !== 'A' && walls !== 'B' && walls !== 'C')) {
    throw new Error('a cell is started by its host, not by hand')
  }
  return { addon, lockdown: { walls, hostPid: hostPid === '0' ? undefined : Number(hostPid) } }
}
