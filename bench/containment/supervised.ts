import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import type { FromHost, Submitted, ToHost } from './hosts/host.ts'
import type { Peer } from './peers.ts'
import { ProcessTree } from './process-tree.ts'

const SAMPLE_MS = 5
/** A new process is looked for every so many samples. */
const REFRESH_SAMPLES = 4
const START_TIMEOUT_MS = 20_000
/** A machine that is very busy may fail to start a host once. */
const START_TRIES = 3
const ERRORS_SHOWN = 1_000
const QUIET_WINDOW_MS = 100
/** CPU time of a window below which a tree has nothing to do. */
const QUIET_CPU_MS = 40

export type Answer = Extract<FromHost, { kind: 'answer' }>

/** The host of a peer in a process of its own, watched from outside. Disposing of it ends its whole tree. */
export class SupervisedHost implements Disposable {
  /** Those that were not disposed of yet. */
  static readonly #live = new Set<SupervisedHost>()
  readonly #child: ChildProcess
  readonly #tree: ProcessTree
  readonly #sampling: NodeJS.Timeout
  #peakBytes = 0
  #errors = ''
  #samples = 0
  /** The process has ended. */
  died = false
  /** Gives up on the answer that is waited for as soon as the tree has taken so much. */
  memoryCeilingBytes = Number.POSITIVE_INFINITY
  #waiting: ((message: FromHost | undefined) => void) | undefined

  /** Starts the host, with temporary files in `directory`, and gives it its programs. Rejects when it does not get ready. */
  static async start(peer: Peer, directory: string, programs: readonly Submitted[]): Promise<SupervisedHost> {
    for (let tries = 1; ; tries += 1) {
      const host = new SupervisedHost(peer, directory)
      if ((await host.#ask({ kind: 'load', programs }, START_TIMEOUT_MS))?.kind === 'ready') return host
      host[Symbol.dispose]()
      if (tries === START_TRIES) throw new Error(`the host does not start: ${host.#errors.slice(-ERRORS_SHOWN)}`)
    }
  }

  /** Use `start`, which also waits until the host is ready. */
  constructor({ script, args, execArgv }: Peer, directory: string) {
    this.#child = fork(script, args, {
      execArgv: [...execArgv],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: directory },
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-ERRORS_SHOWN)
    })
    this.#child.on('message', (message: FromHost) => this.#waiting?.(message))
    this.#child.on('exit', () => {
      this.died = true
      this.#waiting?.(undefined)
    })
    // The channel closes before the exit is seen; neither is an error of the bench.
    this.#child.on('error', () => {})
    SupervisedHost.#live.add(this)
    this.#tree = new ProcessTree(this.#child.pid ?? 0)
    this.#sampling = setInterval(() => this.#sample(), SAMPLE_MS)
  }

  /** Runs a loaded program; undefined if there is no answer in time, or the host is gone, or `enough` says so. */
  async run(name: string, timeoutMs: number): Promise<Answer | undefined> {
    const message = await this.#ask({ kind: 'run', name }, timeoutMs)
    return message?.kind === 'answer' && message.name === name ? message : undefined
  }

  /** Highest memory of the tree since this was last called, in bytes. */
  takePeakBytes(): number {
    const peak = this.#peakBytes
    this.#peakBytes = 0
    return peak
  }

  /** Waits until the tree has nothing to do. False if it is still busy after `timeoutMs`. */
  async quiet(timeoutMs: number): Promise<boolean> {
    const endsAt = performance.now() + timeoutMs
    do {
      const before = this.#tree.cpuMs()
      await pause(QUIET_WINDOW_MS)
      let spent = 0
      for (const [pid, ms] of this.#tree.cpuMs()) spent += ms - (before.get(pid) ?? ms)
      if (spent < QUIET_CPU_MS) return true
    } while (performance.now() < endsAt)
    return false
  }

  /** Ends every host there is, for when the bench itself is told to end: a host that loops would not notice. */
  static endAll(): void {
    for (const host of SupervisedHost.#live) host[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    SupervisedHost.#live.delete(this)
    clearInterval(this.#sampling)
    this.#tree.kill()
  }

  #sample(): void {
    if (this.#samples % REFRESH_SAMPLES === 0) this.#tree.refresh()
    this.#samples += 1
    const bytes = this.#tree.memoryBytes()
    this.#peakBytes = Math.max(this.#peakBytes, bytes)
    if (bytes > this.memoryCeilingBytes) this.#waiting?.(undefined)
  }

  async #ask(message: ToHost, timeoutMs: number): Promise<FromHost | undefined> {
    if (this.died) return undefined
    const { promise, resolve } = Promise.withResolvers<FromHost | undefined>()
    this.#waiting = resolve
    const timer = setTimeout(() => resolve(undefined), timeoutMs)
    this.#child.send(message, () => {})
    const answer = await promise
    clearTimeout(timer)
    this.#waiting = undefined
    return answer
  }
}
