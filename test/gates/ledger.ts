import { setTimeout as pause } from 'node:timers/promises'
import { createDirectory } from '../cli/command-line.ts'
import { type Server, cellsOf, startServer } from '../e2e/server.ts'
import { Witness, readRecords } from '../e2e/witness.ts'
import { type Effort, type Gate, type GateResult, type Random, Tally, randomOf } from './gate.ts'

const ROUNDS = { full: 100, short: 2 }
/** Requests under way at once, of all tenants together. */
const IN_FLIGHT = { full: 384, short: 192 }
/** Its runs end at a budget, over however many hosts. */
const CAPPED = 'capped'
const BUDGET_UNITS = 400
const TENANTS = { full: 12, short: 4 }
/** Every worst case is ten units. */
const LIMITS = { wallMs: 1_000, cpuMs: 1_000, queueWaitMs: 60_000, queue: 1_000 }
/** Runs that are answered before the host is killed: so many, and some more. */
const ANSWERS = { full: 100, short: 10 }
const ANSWERS_MORE = { full: 400, short: 30 }
/** A host that answers too few within this time is killed all the same. */
const ANSWERS_MS_MAX = 60_000
const CELLS_KILLED_MAX = 4

// Of every length, with operations and details, so that posts differ and fall on every moment of a commit.
const PROGRAMS = [
  'return 1',
  'await context.kv.increment("count"); return 1',
  'console.log("x".repeat(2_000)); return 1',
  'await new Promise((resolve) => setTimeout(resolve, 120)); return 1',
  'throw new Error("no")',
]

/** The ledger, when the host that writes it is killed with hundreds of runs under way. */
export const ledger: Gate = {
  name: 'ledger',
  about: 'hosts and cells killed with hundreds of runs under way: what was answered is charged once, and nothing twice',
  async run(effort) {
    using directory = createDirectory()
    return await new Crashes(effort, directory.path).run()
  },
}

class Crashes {
  readonly #effort: Effort
  readonly #directory: string
  readonly #random: Random
  readonly #tally = new Tally()
  readonly #violations: string[] = []
  readonly #tenants: readonly string[]
  readonly #witness: Witness
  #turn = 0
  #underWayMax = 0

  constructor(effort: Effort, directory: string) {
    this.#effort = effort
    this.#directory = directory
    this.#random = randomOf(effort.seed)
    const others = Array.from({ length: TENANTS[effort.form] - 1 }, (_, index) => `tenant-${index}`)
    this.#tenants = [CAPPED, ...others]
    this.#witness = new Witness(this.#tenants)
  }

  async run(): Promise<GateResult> {
    const { form, note } = this.#effort
    const rounds = this.#effort.trials ?? ROUNDS[form]
    for (let round = 1; round <= rounds; round += 1) {
      await this.#guarded(`round ${round}`, () => this.#playRound())
      note(`${round} of ${rounds} rounds, ${this.#witness.answers} answers`)
    }
    await this.#guarded('the last look', async () => {
      await using server = await this.#start()
      await this.#look(server)
    })
    return {
      figures: [
        { name: 'hosts killed', value: rounds },
        ...this.#tally.figures,
        { name: 'answers, each in the ledger once', value: this.#witness.answers },
        { name: 'most requests under way at a kill', value: this.#underWayMax },
      ],
      violations: this.#violations,
    }
  }

  /** One host: what the one before it left is right; then it is killed under load, and some cells before it. */
  async #playRound(): Promise<void> {
    const { form } = this.#effort
    await using server = await this.#start()
    await this.#look(server)
    let underWay = 0
    const stop = new AbortController()
    const load = Array.from({ length: IN_FLIGHT[form] }, async (_, index) => {
      const tenant = this.#tenants[index % this.#tenants.length] ?? CAPPED
      while (!stop.signal.aborted) {
        underWay += 1
        const isOver = await this.#ask(server, tenant).finally(() => (underWay -= 1))
        if (isOver) return
      }
    })
    const kills = this.#random(CELLS_KILLED_MAX + 1)
    for (let kill = 0; kill < kills; kill += 1) {
      await this.#hear(1 + this.#random(ANSWERS[form]))
      this.#killCell()
    }
    await this.#hear(ANSWERS[form] + this.#random(ANSWERS_MORE[form]))
    // Some moment between one answer and the next.
    await pause(this.#random(20))
    this.#underWayMax = Math.max(this.#underWayMax, underWay)
    stop.abort()
    server.process.child.kill('SIGKILL')
    await server.ended
    await Promise.all(load)
  }

  async #start(): Promise<Server> {
    const server = await startServer({ directory: this.#directory, knobs: { BLANK_CELLS: '3' } })
    for (const tenant of this.#tenants) {
      const budget = tenant === CAPPED ? { month: { units: BUDGET_UNITS } } : {}
      await server.tenant(tenant, { policy: { limits: LIMITS, capabilities: { fetch: null } }, budget })
    }
    return server
  }

  /** The ledger against all that was ever answered, and the budget against the ledger. */
  async #look(server: Server): Promise<void> {
    await this.#witness.check(server)
    const records = await readRecords(server, CAPPED)
    const units = records.reduce((sum, record) => sum + (record['units'] as number), 0)
    if (units > BUDGET_UNITS) this.#violations.push(`${units} units were charged of a budget of ${BUDGET_UNITS}`)
  }

  /** Asks for one run; true if the host is gone. */
  async #ask(server: Server, tenant: string): Promise<boolean> {
    const code = PROGRAMS[this.#turn++ % PROGRAMS.length]
    try {
      const { status, body, text } = await server.run(tenant, { code })
      if (status === 200) {
        this.#witness.hear(tenant, body)
        this.#tally.add(`runs: ${body.status}`)
        return false
      }
      this.#tally.add(`refused: ${body?.error?.code}`)
      const isExpected = status === 429 || status === 503 || (status === 402 && tenant === CAPPED)
      if (!isExpected) this.#violations.push(`${status} ${text.slice(0, 300)}`)
      await pause(50)
      return false
    } catch {
      this.#witness.missAnswer(tenant)
      return true
    }
  }

  /** Waits until so many more runs are answered. */
  async #hear(more: number): Promise<void> {
    const enough = this.#witness.answers + more
    const untilMs = performance.now() + ANSWERS_MS_MAX
    while (this.#witness.answers < enough && performance.now() < untilMs) await pause(1)
  }

  #killCell(): void {
    const cells = cellsOf(this.#directory)
    const pid = cells[this.#random(Math.max(1, cells.length))]
    if (pid === undefined) return
    try {
      process.kill(pid, 'SIGKILL')
      this.#tally.add('cells killed')
    } catch {
      // It has ended since it was looked for.
    }
  }

  async #guarded(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      this.#violations.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
