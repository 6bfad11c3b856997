import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs'
import { openLibc } from '../kernel/libc.ts'

/** Reads what the kernel knows about a process. `undefined`: the process is gone, or this meter cannot tell. */
export interface ProcessMeter {
  readonly source: 'clock' | 'proc-stat' | 'ps'
  /** CPU time of all the process's threads so far, in ms. */
  cpuMs(pid: number): number | undefined
}

const TICK_MS = 10
const AUXV_PAGE_SIZE = 6n

/**
 * The most exact meter of this machine: the kernel's CPU clock of another process through FFI (nanoseconds, about 1 µs a
 * read); else `/proc/PID/stat` (10 ms ticks); else nothing but what a sampling thread gets from `ps`.
 */
export function openProcessMeter(): ProcessMeter {
  if (process.platform === 'linux') return clockMeter() ?? statMeter
  return { source: 'ps', cpuMs: () => undefined }
}

function clockMeter(): ProcessMeter | undefined {
  const libc = openLibc()
  if (libc?.cpuMs(process.pid) === undefined) return undefined
  return { source: 'clock', cpuMs: libc.cpuMs }
}

/** Reads `/proc/PID/stat`, whose ticks are 10 ms: for Linux without FFI. */
export const statMeter: ProcessMeter = {
  source: 'proc-stat',
  cpuMs(pid) {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
      // The second field is the program's name in brackets and may hold spaces.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
      return (Number(fields[11]) + Number(fields[12])) * TICK_MS
    } catch {
      return undefined
    }
  },
}

/** Memory of a process that is its own: resident pages less those shared with files, in bytes. */
export interface MemoryProbe extends Disposable {
  read(): number | undefined
  /** Private memory that the process may write to, touched or not (`VmData` and its stack): what RLIMIT_DATA counts. */
  writable(): number | undefined
}

export const hasProc = existsSync('/proc/self/statm')
const PAGE_BYTES = hasProc ? readPageBytes() : 0

/** Opens `/proc/PID/statm` once; each read then takes about 1 µs. */
export function openMemoryProbe(pid: number): MemoryProbe | undefined {
  if (!hasProc) return undefined
  let file: number
  try {
    file = openSync(`/proc/${pid}/statm`, 'r')
  } catch {
    return undefined
  }
  const buffer = Buffer.alloc(128)
  const pages = (): readonly number[] => {
    const length = readSync(file, buffer, 0, 128, 0)
    return buffer.toString('latin1', 0, length).split(' ').map(Number)
  }
  const look = (count: (pages: readonly number[]) => number): number | undefined => {
    try {
      return count(pages()) * PAGE_BYTES
    } catch {
      return undefined
    }
  }
  return {
    read: () => look(([, resident = 0, shared = 0]) => resident - shared),
    writable: () => look(([, , , , , data = 0]) => data),
    [Symbol.dispose]: () => closeSync(file),
  }
}

/** The kernel's unit of memory, from what it told this process at its start: 4 KiB on x86, up to 64 KiB elsewhere. */
function readPageBytes(): number {
  const usual = 4_096
  try {
    const vector = readFileSync('/proc/self/auxv')
    for (let at = 0; at + 16 <= vector.length; at += 16) {
      if (vector.readBigUInt64LE(at) === AUXV_PAGE_SIZE) return Number(vector.readBigUInt64LE(at + 8))
    }
    return usual
  } catch {
    return usual
  }
}

/** What {@link sampleByPs} found out about a process. */
export interface Sample {
  readonly bytes: number
  readonly cpuMs: number
}

/** CPU and memory of several processes from one call of `ps`, for systems without `/proc`. Takes some 10 ms. */
export function sampleByPs(pids: readonly number[]): Map<number, Sample> {
  const samples = new Map<number, Sample>()
  if (pids.length === 0) return samples
  let text: string
  try {
    text = execFileSync('ps', ['-o', 'pid=,rss=,time=', '-p', pids.join(',')], { encoding: 'utf8', timeout: 5_000 })
  } catch {
    return samples
  }
  for (const line of text.trim().split('\n')) {
    const [pid, kilobytes, time] = line.trim().split(/\s+/)
    if (pid === undefined || time === undefined) continue
    samples.set(Number(pid), { bytes: Number(kilobytes) * 1_024, cpuMs: parsePsTime(time) })
  }
  return samples
}

/** `[[days-]hours:]minutes:seconds[.fraction]` → ms. */
export function parsePsTime(text: string): number {
  const [days, clock] = text.includes('-') ? (text.split('-') as [string, string]) : ['0', text]
  let seconds = 0
  for (const part of clock.split(':')) seconds = seconds * 60 + Number(part)
  return (Number(days) * 86_400 + seconds) * 1_000
}
