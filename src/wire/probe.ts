import { FrameError } from './frame.ts'

/** One forbidden thing that a probe cell has tried. */
export interface Attempt {
  /** What was tried: a system call with its object, or what JavaScript offers. */
  readonly name: string
  readonly from: 'native' | 'javascript'
  readonly refused: boolean
  /** How it was refused, or what came of it. */
  readonly detail: string
}

/** What a probe cell found out about the walls around it. */
export interface ProbeReport {
  readonly attempts: readonly Attempt[]
  /** Folders of a machine that it could see before it locked itself in. */
  readonly folders: readonly string[]
  readonly hostname: string
  /** Its own pid, as it sees it. */
  readonly pid: number
}

/** Longest report: some two hundred attempts. */
export const PROBE_REPORT_MAX = 256 << 10

/** Reads a probe's report. It comes from a cell, so every field is checked; throws FrameError. */
export function decodeProbeReport(text: string): ProbeReport {
  const given = parseRecord(text)
  const attempts = listOf(given['attempts']).map((one) => {
    const { name, from, refused, detail } = recordOf(one)
    if (from !== 'native' && from !== 'javascript') throw new FrameError('an attempt comes from nowhere')
    return { name: textOf(name), from, refused: refused === true, detail: textOf(detail) } as const
  })
  return {
    attempts,
    folders: listOf(given['folders']).map(textOf),
    hostname: textOf(given['hostname']),
    pid: typeof given['pid'] === 'number' ? given['pid'] : 0,
  }
}

function parseRecord(text: string): Record<string, unknown> {
  try {
    return recordOf(JSON.parse(text))
  } catch (error) {
    throw new FrameError('a probe did not report', { cause: error })
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new FrameError('a part of a probe’s report is no object')
  return value as Record<string, unknown>
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new FrameError('a part of a probe’s report is no list')
  return value
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new FrameError('a part of a probe’s report is no text')
  return value.slice(0, 1_000)
}
