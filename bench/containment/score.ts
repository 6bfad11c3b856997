import type { Cell, Comparison } from './compare.ts'
import { GOOD, HANG_MS, MEMORY_CEILING_MB } from './judge.ts'
import { CLASSES, LIMITS, type ProgramClass } from './program.ts'

interface Count {
  readonly good: number
  /** Programs that the engine lacks the means for are not counted. */
  readonly offered: number
}

/** What became of all programs in one peer. */
export interface Score {
  readonly classes: Readonly<Record<ProgramClass, Count>>
  readonly offered: number
  /** After how many programs the host was there and answered another customer. */
  readonly hostAlive: number
  readonly worstMemoryMb: number
  /** `never`: a program was still running when the bench ended it. */
  readonly worstLateMs: number | 'never'
}

/** Adds up a peer's column. */
export function scoreOf({ cells }: Comparison, peer: string): Score {
  const own = cells.filter((cell) => cell.peer === peer && cell.verdict.kind !== 'not offered')
  const names = Object.keys(CLASSES) as ProgramClass[]
  return {
    classes: Object.fromEntries(names.map((name) => [name, count(own, name)])) as Record<ProgramClass, Count>,
    offered: own.length,
    hostAlive: own.filter(isHostAlive).length,
    worstMemoryMb: Math.max(0, ...own.map(({ peakMb }) => peakMb ?? 0)),
    worstLateMs: own.some(neverEnded)
      ? 'never'
      : Math.max(0, ...own.map(({ answeredMs }) => (answeredMs ?? LIMITS.wallMs) - LIMITS.wallMs)),
  }
}

/** Lateness in words. */
export function describeLateness(worst: Score['worstLateMs']): string {
  return worst === 'never' ? `no end within ${HANG_MS / 1_000} s` : `${(worst / 1_000).toFixed(2)} s`
}

/** Memory in words. */
export function describeMemory(megabytes: number): string {
  return megabytes >= MEMORY_CEILING_MB ? `over ${MEMORY_CEILING_MB} MB` : `${Math.round(megabytes)} MB`
}

function count(cells: readonly Cell[], name: ProgramClass): Count {
  const own = cells.filter((cell) => cell.class === name)
  return { good: own.filter(({ verdict }) => GOOD.has(verdict.kind)).length, offered: own.length }
}

function isHostAlive({ verdict }: Cell): boolean {
  if (verdict.kind === 'hangs') return verdict.how === 'burns on'
  return verdict.kind !== 'host died' && !(verdict.kind === 'memory' && verdict.peakMb >= MEMORY_CEILING_MB)
}

function neverEnded({ verdict }: Cell): boolean {
  return verdict.kind === 'hangs'
}
