import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { getPriority } from 'node:os'
import type { Libc } from '../kernel/libc.ts'

/**
 * How much nicer than its host a cell is, by what it is doing. The host goes before it, so that deadlines are kept and answers are
 * written, whatever value the host itself was started with.
 */
const NICE = {
  usual: 3,
  /** In a turn that takes long. Quick runs of others go before it: it gets what they leave, and a fifth of one of them at least. */
  long: 10,
  /** Killed: to be gone it needs a processor once more. */
  dying: 0,
} as const

/** The most that Linux knows. */
const NICE_MAX = 19

/** Nice values of a host: of its session, and of its process. */
export interface HostNice {
  readonly session: number
  readonly process: number
}

/** CPU time in ms that one turn may take before the cell makes way: twice what ordinary code needs in fresh globals. */
const LONG_MS = 20

/**
 * How one cell stands against other processes when processors are short: a cell whose guest computes for long makes way
 * for those whose guests do not. Costs nobody anything while a processor is free.
 *
 * Linux shares processors among sessions first (`sched_autogroup(7)`), and a cell is a session of its own: there the value
 * of its session counts, which also somebody without privileges may lower and raise from 0 up. Where there is none, the value of
 * the process counts, and it is only changed by a host that may change it back.
 */
export class Standing implements Disposable {
  readonly #pid: number
  readonly #libc: Libc | undefined
  readonly #session: number | undefined
  readonly #host: HostNice
  #nice: number | undefined
  #turn: number | undefined
  #sinceMs = 0

  /**
   * To be made when the process has just started: later it is out of reach of a host without privileges. `libc` only of a
   * thread that may raise the priority of others.
   */
  constructor(pid: number, libc: Libc | undefined, host: HostNice = niceOfHost()) {
    this.#pid = pid
    this.#libc = libc
    this.#host = host
    this.#session = openSession(pid)
    this.#set(NICE.usual)
  }

  /** Takes a look at the cell: its CPU time so far, the number of its turn, whether it has been killed. */
  observe(cpuMs: number, turn: number, life: 'alive' | 'dying'): void {
    if (turn !== this.#turn) {
      this.#turn = turn
      this.#sinceMs = cpuMs
    }
    if (life === 'dying') this.#set(NICE.dying)
    else this.#set(cpuMs - this.#sinceMs < LONG_MS ? NICE.usual : NICE.long)
  }

  [Symbol.dispose](): void {
    if (this.#session !== undefined) closeSync(this.#session)
  }

  /** A value that could not be set is tried again at the next look: without privileges there are ten changes a second. */
  #set(nice: number): void {
    if (nice === this.#nice) return
    this.#libc?.setNiceOf(this.#pid, Math.min(NICE_MAX, this.#host.process + nice))
    try {
      if (this.#session !== undefined) writeSync(this.#session, String(Math.min(NICE_MAX, this.#host.session + nice)))
      this.#nice = nice
    } catch {
      // Not now, or the process has ended.
    }
  }
}

function niceOfHost(): HostNice {
  const process = getPriority(globalThis.process.pid)
  try {
    const [, session] = /nice (-?\d+)/.exec(readFileSync('/proc/self/autogroup', 'utf8')) ?? []
    return { session: Number(session ?? 0), process }
  } catch {
    return { session: 0, process }
  }
}

function openSession(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/autogroup`, 'r+')
  } catch {
    return undefined
  }
}
