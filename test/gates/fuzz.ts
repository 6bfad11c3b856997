import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { Report } from '../../src/core/run.ts'
import { type PoolHarness, openPool } from '../pool/harness.ts'
import { type Builtin, FIND_BUILTINS, programOf } from './builtins.ts'
import { type Effort, type Figure, type Gate, type GateResult, Tally } from './gate.ts'

/** Thirteen programs a function that a guest can reach. */
const TRIALS = { full: 12_600, short: 300 }
/** Programs that run at the same time, each as a tenant of its own, in a cell of its own. */
const CLIENTS = 4
/** Of a program. Wide enough for the first run in a fresh cell: with 100 every program ended by time, each kill cost a start, and nothing was tried. */
const WALL_MS = 300
const MEMORY_MB = 64
/** How late past its wall limit a run may end on a quiet machine, and how much more memory its cell may have had. */
const LATE_MS_MAX = 300
const OVER_MB_MAX = 64
const AGAIN = 2

/** Every built-in of a guest, with hostile receivers and arguments, one call a program, in real cells. */
export const fuzz: Gate = {
  name: 'fuzz',
  about: 'every function that a guest can reach × hostile receivers and arguments, each in a run of its own',
  async run(effort) {
    // The host is this very process: should a program end it, there is no result, and the gate has failed.
    await using cells = await openPool({ blankCells: 3, cellsMax: 32 })
    return await new Fuzz(cells, effort).run()
  },
}

interface Suspect {
  readonly builtin: Builtin
  readonly seed: number
}

class Fuzz {
  readonly #cells: PoolHarness
  readonly #effort: Effort
  readonly #wallMs: number
  #timeouts = 0
  readonly #endings = new Tally()
  readonly #kills = new Tally()
  readonly #violations: string[] = []
  readonly #canary = `canary-${randomBytes(12).toString('hex')}`
  /** How late past the limit, and how much over it, by the program's name: those past a bound are run once more. */
  readonly #late = new Map<string, number>()
  readonly #over = new Map<string, number>()
  readonly #suspects = new Map<string, Suspect>()
  #peakMb = 0
  #outcomes = 0
  #neighbours = 0
  #isOver = false

  constructor(cells: PoolHarness, effort: Effort) {
    this.#cells = cells
    this.#effort = effort
    this.#wallMs = WALL_MS
  }

  async run(): Promise<GateResult> {
    const { form, seed, note } = this.#effort
    const trials = this.#effort.trials ?? TRIALS[form]
    const builtins = (await this.#cells.value(FIND_BUILTINS, { tenant: 'finder' })) as Builtin[]
    note(`${builtins.length} functions, ${trials} programs`)
    const neighbour = this.#watchNeighbour()
    let next = 0
    const client = async (first: number): Promise<void> => {
      let tenant = first
      while (next < trials) {
        const number = next++
        const builtin = builtins[Math.floor((number * builtins.length) / trials)] as Builtin
        const hasKilled = await this.#try(builtin, seed * 1_000_003 + number, `fuzz-${tenant}`)
        // A tenant that has lost a cell may be held back for a while; the next program is another's.
        if (hasKilled) tenant += CLIENTS
        if ((number + 1) % 500 === 0) note(`${number + 1} of ${trials}`)
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)))
    this.#isOver = true
    await neighbour
    const first = { late: most(this.#late), over: most(this.#over), count: this.#suspects.size }
    await this.#tryAgain()
    return this.#result(builtins.length, trials, first)
  }

  /** Runs one program and returns whether its cell was lost. */
  async #try(builtin: Builtin, seed: number, tenant: string): Promise<boolean> {
    const name = `${builtin.root}${builtin.steps.map(([how, key]) => ` ${how} ${key}`).join('')}, seed ${seed}`
    try {
      const report = await this.#cells.run(programOf(builtin, seed), {
        tenant,
        input: { list: [1] },
        wallMs: this.#wallMs,
        limits: { memory: MEMORY_MB as never },
        instance: { idle: 1_000 as never },
      })
      this.#outcomes += 1
      this.#count(report, name, { builtin, seed })
      return report.killReason !== undefined
    } catch (error) {
      this.#violations.push(`no outcome but ${String(error)}: ${name}`)
      return true
    }
  }

  #count({ status, killReason, wall, peakMemory, result, error, logs }: Report, name: string, suspect: Suspect): void {
    this.#endings.add(`ended as ${status}${killReason === undefined ? '' : ', cell killed or gone'}`)
    if (killReason !== undefined) this.#kills.add(`cells lost: ${killReason}`)
    const told = `${result === undefined ? '' : Buffer.from(result).toString()}${JSON.stringify({ error, logs })}`
    if (told.includes(this.#canary)) this.#violations.push(`the canary was seen: ${name}`)
    if (status === 'timeout') this.#timeouts += 1
    const lateMs = wall / 1_000 - this.#wallMs
    const overMb = peakMemory / 2 ** 20 - MEMORY_MB
    this.#peakMb = Math.max(this.#peakMb, peakMemory / 2 ** 20)
    this.#late.set(name, Math.min(lateMs, this.#late.get(name) ?? Infinity))
    this.#over.set(name, Math.min(overMb, this.#over.get(name) ?? Infinity))
    if (lateMs > LATE_MS_MAX || overMb > OVER_MB_MAX) this.#suspects.set(name, suspect)
  }

  /** What was past a bound is run again with nothing beside it: what a busy machine did is not the program's doing. */
  async #tryAgain(): Promise<void> {
    const [outcomes, timeouts] = [this.#outcomes, this.#timeouts]
    for (const { builtin, seed } of this.#suspects.values()) {
      for (let again = 1; again <= AGAIN; again += 1) await this.#try(builtin, seed, `again-${seed}-${again}`)
    }
    this.#outcomes = outcomes
    this.#timeouts = timeouts
  }

  /** Another tenant, whose secret nobody must see, runs all the time and is always answered. */
  async #watchNeighbour(): Promise<void> {
    const code = `globalThis.secret = input; return secret`
    while (!this.#isOver) {
      const { status, result } = await this.#cells.run(code, { tenant: 'neighbour', input: this.#canary })
      this.#neighbours += 1
      const isRight = status === 'ok' && Buffer.from(result ?? '').toString() === JSON.stringify(this.#canary)
      if (!isRight) this.#violations.push(`the neighbour’s run ended as ${status}`)
      for (let pause = 0; pause < 20 && !this.#isOver; pause += 1) await turn()
    }
  }

  #result(builtins: number, trials: number, first: { late: Most; over: Most; count: number }): GateResult {
    const isFull = this.#effort.form === 'full'
    const [late, over] = [most(this.#late), most(this.#over)]
    const bounded = (name: string, { value, by }: Most, atMost: number): Figure[] => [
      { name, value: Math.round(value), ...(isFull && { atMost }) },
      ...(value > 0 ? [{ name: '  by', value: by }] : []),
    ]
    return {
      figures: [
        { name: 'functions found', value: builtins },
        { name: 'programs', value: trials },
        ...this.#endings.figures,
        ...this.#kills.figures,
        { name: 'programs without exactly one outcome', value: trials - this.#outcomes, atMost: 0 },
        // Where most end by time, their calls were never made, and nothing was tried. A starved machine may come near that.
        {
          name: 'programs of a hundred that ended by time',
          value: percent(this.#timeouts, trials),
          atMost: this.#effort.form === 'full' ? 50 : 95,
        },
        { name: 'runs of a neighbour meanwhile, all answered', value: this.#neighbours },
        { name: 'most memory of a cell beyond a blank one, MB', value: Math.round(this.#peakMb) },
        { name: `programs past a bound, run ${AGAIN} times more, alone`, value: first.count },
        { name: 'latest end past the limit at first, ms', value: Math.round(first.late.value) },
        ...bounded('latest end past the limit that came again, ms', late, LATE_MS_MAX),
        ...bounded('most memory over the limit that came again, MB', over, OVER_MB_MAX),
        ...[...this.#suspects.keys()].slice(0, 30).map((value) => ({ name: 'past a bound at first', value })),
      ],
      violations: this.#violations,
    }
  }
}

function percent(part: number, whole: number): number {
  return Math.round((100 * part) / whole)
}

interface Most {
  readonly value: number
  readonly by: string
}

function most(values: ReadonlyMap<string, number>): Most {
  let found: Most = { value: 0, by: '' }
  for (const [by, value] of values) if (value > found.value) found = { value, by }
  return found
}
