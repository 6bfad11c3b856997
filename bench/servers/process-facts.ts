import { globSync, readFileSync } from 'node:fs'

const TICK_MS = 10

/** The processes that a process has started and that live. Linux only, as are all facts here. */
export function childrenOf(pid: number): readonly number[] {
  return globSync(`/proc/${pid}/task/*/children`).flatMap((file) =>
    readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  )
}

/** CPU time of a process and its living children so far, in ms, in ticks of 10 ms. */
export function cpuMsOf(pid: number): number {
  let ticks = 0
  for (const each of [pid, ...childrenOf(pid)]) {
    const text = readFileSync(`/proc/${each}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks * TICK_MS
}

export interface Memory {
  /** Pages that no other process has. */
  readonly privateBytes: number
  /** The same and a fair part of each shared page. */
  readonly proportionalBytes: number
  readonly residentBytes: number
}

/** Memory of a process as the kernel counts it. Throws EACCES for a cell, which nobody but root may look into. */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  const field = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1]) * 1_024
  return {
    privateBytes: field('Private_Clean') + field('Private_Dirty'),
    proportionalBytes: field('Pss'),
    residentBytes: field('Rss'),
  }
}
