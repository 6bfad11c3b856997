import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'

/** A cell behind bubblewrap has two processes of it above itself at most. */
const GENERATIONS = 3

/**
 * Ends what hosts that were killed have left of cells in `directory`, and returns how many processes that was. The kernel ends
 * a cell with its host, but for one that bubblewrap was only about to start: its first process waits for ever for the one
 * that made it, before it has asked to die with it. No code has run in it. Call it while this host alone may use the
 * directory: whatever has a cell's file of it among its arguments and does not descend from this process is such a one.
 */
export function endOrphans(directory: string): number {
  if (process.platform !== 'linux') return 0
  const orphans = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isOrphan(Number(name), directory))
  for (const pid of orphans) end(Number(pid))
  return orphans.length
}

function isOrphan(pid: number, directory: string): boolean {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    if (!args.some((argument) => argument.startsWith(join(directory, 'cell-')))) return false
    // Whoever reads or edits a file of the directory is not meant.
    return /^(?:bwrap|node)\b/.test(basename(readlinkSync(`/proc/${pid}/exe`))) && !descends(pid)
  } catch {
    // It has ended, or is not this user's: then it is not ours to end.
    return false
  }
}

function descends(pid: number): boolean {
  let ancestor = pid
  for (let generation = 0; generation < GENERATIONS; generation += 1) {
    ancestor = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${ancestor}/status`, 'utf8'))?.[1] ?? 0)
    if (ancestor === process.pid) return true
    if (ancestor <= 1) return false
  }
  return false
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended since.
  }
}
