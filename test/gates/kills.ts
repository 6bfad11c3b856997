import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { createDirectory } from '../cli/command-line.ts'
import { type Server, cellsOf, startServer } from '../e2e/server.ts'
import { Witness } from '../e2e/witness.ts'
import { type Effort, type Gate, type GateResult, type Random, Tally, randomOf } from './gate.ts'

/** Of the kills, one in so many is the host's. */
const HOST_EVERY = { full: 20, short: 11 }
const TRIALS = { full: 1_000, short: 22 }
/** Many, so that losing cells holds none of them back for long. */
const TENANTS = Array.from({ length: 12 }, (_, index) => `tenant-${index}`)
const ORPHANS_MS_MAX = 2_000
/** A cell that outlives its host for so long does so for ever. */
const ORPHANS_MS_GIVEN_UP = 30_000
const STOPPED_FOR_GOOD_MS = 1_000
const SIGNALS = ['SIGKILL', 'SIGABRT', 'SIGSEGV', 'SIGSTOP'] as const

// Short ones and long ones, so that a kill finds runs at every stage.
const PROGRAMS = [
  'return 1',
  'await context.kv.increment("count"); return 1',
  'console.log("x".repeat(500)); await new Promise((resolve) => setTimeout(resolve, 20)); return 1',
  'let sum = 0; for (let index = 0; index < 3e6; index++) sum += index; throw new Error(String(sum))',
  'return await Promise.all(Array.from({ length: 20 }, (_, index) => context.kv.put(`key-${index}`, index)))',
]

/** Cells and hosts that are killed at any moment, under load. */
export const kills: Gate = {
  name: 'kills',
  about: 'cells killed, aborted, crashed or stopped, and whole hosts killed, at random moments under load',
  async run(effort) {
    using directory = createDirectory()
    return await new Kills(effort, directory.path).run()
  },
}

class Kills {
  readonly #effort: Effort
  readonly #directory: string
  readonly #random: Random
  readonly #tally = new Tally()
  readonly #violations: string[] = []
  readonly #witness = new Witness(TENANTS)
  /** Processes of bubblewrap that no code of a cell has run in yet, left by a killed host. */
  readonly #unbegun: number[] = []
  #slowestOrphanMs = 0
  #turn = 0

  constructor(effort: Effort, directory: string) {
    this.#effort = effort
    this.#directory = directory
    this.#random = randomOf(effort.seed)
  }

  async run(): Promise<GateResult> {
    const { form, note } = this.#effort
    const trials = this.#effort.trials ?? TRIALS[form]
    for (let killed = 0; killed < trials;) {
      const cells = Math.min(HOST_EVERY[form] - 1, trials - killed - 1)
      await this.#guarded('a round', () => this.#playRound(cells))
      killed += cells + 1
      note(`${killed} of ${trials} kills, ${this.#witness.answers} answers`)
    }
    await this.#guarded('the last look', async () => {
      await using server = await this.#start()
      await this.#expectNextRuns(server)
      await this.#witness.check(server)
    })
    const isFull = form === 'full'
    return {
      figures: [
        { name: 'kills', value: trials },
        ...this.#tally.figures,
        { name: 'answers, each in the ledger once', value: this.#witness.answers },
        {
          name: 'slowest end of the cells of a dead host, ms',
          value: Math.round(this.#slowestOrphanMs),
          ...(isFull && { atMost: ORPHANS_MS_MAX }),
        },
      ],
      violations: this.#violations,
    }
  }

  /** One host: what the one before it left is right; its cells are killed under load; then it is. */
  async #playRound(cells: number): Promise<void> {
    await using server = await this.#start()
    await this.#witness.check(server)
    let isKilled = false
    void server.ended.then(({ stderr }) => {
      if (!isKilled) this.#violations.push(`the host ended by itself: ${stderr.slice(-1_000)}`)
    })
    const stop = new AbortController()
    const load = TENANTS.flatMap((tenant) => [
      this.#ask(server, tenant, stop.signal),
      this.#ask(server, tenant, stop.signal),
    ])
    for (let count = 0; count < cells; count += 1) await this.#killCell()
    // With the load still on it.
    await this.#expectNextRuns(server)
    await pause(this.#random(100))
    isKilled = true
    server.process.child.kill('SIGKILL')
    await server.ended
    this.#tally.add('hosts killed')
    stop.abort()
    await Promise.all([...load, this.#expectNoCells()])
  }

  #start(): Promise<Server> {
    return startServer({ directory: this.#directory, knobs: { BLANK_CELLS: '3' } }).then(async (server) => {
      const limits = { wallMs: 3_000, cpuMs: 3_000, queueWaitMs: 60_000 }
      this.#expectNoUnbegun()
      for (const tenant of TENANTS) await server.tenant(tenant, { policy: { limits } })
      return server
    })
  }

  /** Sends one of the cells, blank or busy, a signal at some moment of the next runs. */
  async #killCell(): Promise<void> {
    await pause(this.#random(60))
    let cells = cellsOf(this.#directory)
    while (cells.length === 0) {
      await pause(5)
      cells = cellsOf(this.#directory)
    }
    const pid = cells[this.#random(cells.length)] ?? 0
    const signal = SIGNALS[this.#random(SIGNALS.length)] ?? 'SIGKILL'
    send(pid, signal)
    this.#tally.add(`cells sent ${signal}`)
    if (signal !== 'SIGSTOP') return
    // Half of the stopped ones are killed later, half are the host's to find.
    if (this.#random(2) === 0) setTimeout(() => send(pid, 'SIGKILL'), this.#random(500))
  }

  /** A caller that asks for one run after the other until its host is gone. */
  async #ask(server: Server, tenant: string, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const code = PROGRAMS[this.#turn++ % PROGRAMS.length]
      try {
        if ((await this.#run(server, tenant, code)) === 'refused') await pause(20)
      } catch {
        this.#witness.missAnswer(tenant)
        return
      }
    }
  }

  /** Rejects when the host is gone. */
  async #run(server: Server, tenant: string, code: string | undefined): Promise<string> {
    const { status, headers, body, text } = await server.run(tenant, { code })
    if (status === 200) {
      this.#witness.hear(tenant, body)
      this.#tally.add(`runs: ${body.status}`)
      return body.status as string
    }
    this.#tally.add(`refused: ${body?.error?.code}`)
    if (status !== 429 && status !== 503) this.#violations.push(`${status} ${text.slice(0, 300)}`)
    await pause(1_000 * Number(headers.get('retry-after') ?? 0))
    return 'refused'
  }

  /** Whatever was done to its cells, a tenant's run succeeds: soon, if not the very next one that a stopped cell takes along. */
  async #expectNextRuns(server: Server): Promise<void> {
    const until = performance.now() + 60_000
    const missing = new Set(TENANTS)
    const one = async (tenant: string): Promise<void> => {
      while (performance.now() < until) {
        if ((await this.#run(server, tenant, 'return 1')) !== 'ok') continue
        missing.delete(tenant)
        return
      }
    }
    await Promise.all(TENANTS.map(one))
    for (const tenant of missing) this.#violations.push(`no run of ${tenant} succeeded for a minute`)
  }

  /**
   * A cell that was stopped before it had asked the kernel to end with its host cannot end while it is stopped. Nobody but this
   * gate stops cells; it lets such a one go on, and then it has to end like the others.
   */
  async #expectNoCells(): Promise<void> {
    let startMs = performance.now()
    let left = cellsOf(this.#directory)
    while (left.length > 0 && performance.now() - startMs < ORPHANS_MS_GIVEN_UP) {
      await pause(10)
      left = cellsOf(this.#directory)
      if (left.length === 0 || performance.now() - startMs < STOPPED_FOR_GOOD_MS) continue
      if (left.every(isUnbegun)) break
      if (!left.every(isStopped)) continue
      this.#tally.add('cells stopped while they started, let go on', left.length)
      for (const pid of left) send(pid, 'SIGCONT')
      startMs = performance.now()
    }
    this.#slowestOrphanMs = Math.max(this.#slowestOrphanMs, performance.now() - startMs)
    for (const pid of left) {
      if (isUnbegun(pid)) this.#unbegun.push(pid)
      else {
        this.#violations.push(`a cell outlived its host: ${stateOf(pid)}`)
        send(pid, 'SIGKILL')
      }
    }
  }

  /** What bubblewrap had only begun to start when the host was killed is ended by the next host. */
  #expectNoUnbegun(): void {
    this.#tally.add('cells whose start had only begun, ended by the next host', this.#unbegun.length)
    for (const pid of this.#unbegun)
      if (isUnbegun(pid)) this.#violations.push('what was left of a start outlived the next host')
    this.#unbegun.length = 0
  }

  async #guarded(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      this.#violations.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

/** A process may have ended since it was looked for. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has.
  }
}

function stateOf(pid: number): string {
  try {
    return /^State:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 'unknown'
  } catch {
    return 'gone'
  }
}

/** Bubblewrap's first process in the namespaces of a cell: it waits for its maker, and becomes the cell after that. */
function isUnbegun(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return /^Name:\s+bwrap$/m.test(status) && /^NSpid:.*\s1$/m.test(status)
  } catch {
    return false
  }
}

function isStopped(pid: number): boolean {
  return stateOf(pid).startsWith('T')
}
