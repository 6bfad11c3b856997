import { setTimeout as pause } from 'node:timers/promises'
import { createDirectory } from '../cli/command-line.ts'
import { type Server, cellsOf, startServer } from '../e2e/server.ts'
import { readRecords } from '../e2e/witness.ts'
import { type Effort, type Gate, type GateResult, type Random, Tally, randomOf } from './gate.ts'

/** Hosts that are killed, and cells before each of them. */
const HOSTS = { full: 40, short: 2 }
const CELLS = { full: 8, short: 3 }
const TENANTS = ['ann', 'bob']
/** By then all that was acknowledged has been dealt with: leases of dead hosts included. */
const DRAINED_MS_MAX = 120_000

const CONFIG = { retry: { maxAttempts: 50, backoff: { initialMs: 20, maxMs: 200 } } }
const FUNCTIONS: Readonly<Record<string, { readonly code: string; readonly config: object }>> = {
  worker: {
    code: `export default async ({ n }, { kv }) => {
      if (n % 7 === 0) throw new Error('never')
      if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 15))
      return kv.increment('async/' + n)
    }`,
    config: { retry: { maxAttempts: 3, backoff: { initialMs: 10, maxMs: 50 } } },
  },
  consumer: {
    code: `export default { async queue({ messages }, { kv }) {
      for (const { body } of messages) await kv.increment('message/' + body)
    } }`,
    config: { ...CONFIG, triggers: [{ queue: 'jobs', batchSize: 3, visibilityTimeoutMs: 2_000, maxAttempts: 50 }] },
  },
  clock: {
    code: `export default { scheduled: ({ scheduledTime }, { kv, runId }) => kv.put('tick/' + scheduledTime + '/' + runId, 1) }`,
    config: { ...CONFIG, triggers: [{ schedule: '* * * * * *', missed: 'all' }] },
  },
}

/** Hosts and cells that are killed while events are under way. */
export const events: Gate = {
  name: 'events',
  about: 'hosts and cells killed at random while queues, asynchronous runs and schedules are at work',
  async run(effort) {
    using directory = createDirectory()
    return await new EventKills(effort, directory.path).run()
  },
}

class EventKills {
  readonly #effort: Effort
  readonly #directory: string
  readonly #random: Random
  readonly #tally = new Tally()
  readonly #violations: string[] = []
  /** What was acknowledged, by tenant: numbers of asynchronous runs and of messages. */
  readonly #runs = new Map<string, number[]>(TENANTS.map((tenant) => [tenant, []]))
  readonly #messages = new Map<string, number[]>(TENANTS.map((tenant) => [tenant, []]))
  #next = 1
  #acknowledgements = 0

  constructor(effort: Effort, directory: string) {
    this.#effort = effort
    this.#directory = directory
    this.#random = randomOf(effort.seed)
  }

  async run(): Promise<GateResult> {
    const { form, trials, note } = this.#effort
    const hosts = trials ?? HOSTS[form]
    for (let killed = 0; killed < hosts; killed += 1) {
      await this.#playRound(killed === 0)
      note(`${killed + 1} of ${hosts} hosts killed, ${this.#acknowledgements} events acknowledged`)
    }
    await using server = await this.#start()
    await this.#expectAll(server)
    return {
      figures: [{ name: 'hosts killed', value: hosts }, ...this.#tally.figures],
      violations: this.#violations,
    }
  }

  #start(): Promise<Server> {
    return startServer({ directory: this.#directory, knobs: { BLANK_CELLS: '2' } })
  }

  async #playRound(isFirst: boolean): Promise<void> {
    await using server = await this.#start()
    if (isFirst) await this.#deploy(server)
    const stop = new AbortController()
    const load = TENANTS.flatMap((tenant) => [
      this.#load(() => this.#callAsync(server, tenant), stop.signal),
      this.#load(() => this.#send(server, tenant), stop.signal),
    ])
    for (let count = 0; count < CELLS[this.#effort.form]; count += 1) {
      await this.#acknowledged(5)
      await pause(this.#random(50))
      const cells = cellsOf(this.#directory)
      const pid = cells[this.#random(cells.length)]
      if (pid !== undefined) this.#kill(pid)
    }
    await this.#acknowledged(5)
    server.process.child.kill('SIGKILL')
    await server.ended
    stop.abort()
    await Promise.all(load)
  }

  async #deploy(server: Server): Promise<void> {
    // Losing cells must not hold a tenant back: that is for another gate.
    const policy = { rate: { deathsPerSecond: 1_000, deathsBurst: 10_000 } }
    for (const tenant of TENANTS) {
      await server.tenant(tenant, { policy })
      for (const [name, { code, config }] of Object.entries(FUNCTIONS)) {
        const { status, text } = await server.put(`/v1/tenants/${tenant}/functions/${name}`, { code, config })
        if (status !== 201) throw new Error(`${name}: ${text}`)
      }
    }
  }

  /** Waits until so many more events are acknowledged. */
  async #acknowledged(more: number): Promise<void> {
    const wanted = this.#acknowledgements + more
    while (this.#acknowledgements < wanted) await pause(2)
  }

  #kill(pid: number): void {
    try {
      process.kill(pid, 'SIGKILL')
      this.#tally.add('cells killed')
    } catch {
      // It has ended by itself.
    }
  }

  async #load(act: () => Promise<void>, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await act()
        await pause(5 + this.#random(20))
      } catch {
        // The host is gone, or was while it answered: nothing was acknowledged.
        return
      }
    }
  }

  async #callAsync(server: Server, tenant: string): Promise<void> {
    const n = this.#next++
    const path = `/v1/tenants/${tenant}/functions/worker/invoke`
    const { status } = await server.call('POST', path, { input: { n } }, { prefer: 'respond-async' })
    if (status !== 202) return this.#tally.add(`refused: ${status}`)
    this.#runs.get(tenant)?.push(n)
    this.#acknowledgements += 1
    this.#tally.add('asynchronous runs acknowledged')
  }

  async #send(server: Server, tenant: string): Promise<void> {
    const n = this.#next++
    const { body } = await server.run(tenant, { code: 'return context.queues.send("jobs", input)', input: n })
    if (body?.status !== 'ok') return this.#tally.add(`sends that ended as ${body?.status ?? body?.error?.code}`)
    this.#messages.get(tenant)?.push(n)
    this.#acknowledgements += 1
    this.#tally.add('messages acknowledged')
  }

  async #expectAll(server: Server): Promise<void> {
    const until = performance.now() + DRAINED_MS_MAX
    for (const tenant of TENANTS) {
      let missing = await this.#missingOf(server, tenant)
      while (missing.length > 0 && performance.now() < until) {
        await pause(100)
        missing = await this.#missingOf(server, tenant)
      }
      if (missing.length > 0) this.#violations.push(`${tenant} lost ${missing.length}: ${missing.slice(0, 10).join()}`)
      await this.#expectLedger(server, tenant)
    }
  }

  /** What was acknowledged and neither took place nor is a dead letter. */
  async #missingOf(server: Server, tenant: string): Promise<readonly string[]> {
    const done = new Set(await keysOf(server, tenant, ''))
    const dead = new Set(await this.#lettersOf(server, tenant))
    const runs = (this.#runs.get(tenant) ?? []).filter((n) => !done.has(`async/${n}`) && !dead.has(n))
    const messages = (this.#messages.get(tenant) ?? []).filter((n) => !done.has(`message/${n}`) && !dead.has(n))
    const ticks = await this.#missingTicks(server, tenant)
    return [...runs.map((n) => `run ${n}`), ...messages.map((n) => `message ${n}`), ...ticks]
  }

  async #lettersOf(server: Server, tenant: string): Promise<readonly number[]> {
    const numbers: number[] = []
    for (let before: string | undefined; ;) {
      const query = before === undefined ? '' : `&before=${before}`
      const { body } = await server.get(`/v1/tenants/${tenant}/dead-letters?limit=1000${query}`)
      for (const { id } of body.deadLetters) numbers.push(await this.#numberOf(server, tenant, id))
      before = body.next
      if (before === undefined) return numbers
    }
  }

  readonly #numbers = new Map<string, number>()

  async #numberOf(server: Server, tenant: string, id: string): Promise<number> {
    const known = this.#numbers.get(id)
    if (known !== undefined) return known
    const { body } = await server.get(`/v1/tenants/${tenant}/dead-letters/${id}`)
    const number = typeof body.input === 'number' ? body.input : body.input.n
    this.#numbers.set(id, number)
    this.#tally.add('dead letters')
    return number
  }

  /** Seconds between the first tick and the last one that were not kept, whatever was killed meanwhile. */
  async #missingTicks(server: Server, tenant: string): Promise<readonly string[]> {
    const keys = await keysOf(server, tenant, 'tick/')
    const times = [...new Set(keys.map((key) => Number(key.split('/')[1])))].toSorted((a, b) => a - b)
    const gaps = times.filter((time, index) => index > 0 && time - (times[index - 1] ?? 0) !== 1_000)
    return gaps.map((time) => `a tick before ${time}`)
  }

  async #expectLedger(server: Server, tenant: string): Promise<void> {
    const records = await readRecords(server, tenant)
    const runs = new Set(records.map(({ run }) => run))
    if (runs.size !== records.length) this.#violations.push(`a run of ${tenant} is in the ledger twice`)
    this.#tally.add('runs of events, each in the ledger once', records.filter(({ function: name }) => name).length)
    const { body } = await server.post(`/v1/tenants/${tenant}/bill/verify`)
    if (body.ok !== true) this.#violations.push(`the chain of ${tenant}: ${JSON.stringify(body)}`)
  }
}

async function keysOf(server: Server, tenant: string, prefix: string): Promise<readonly string[]> {
  const keys: string[] = []
  for (let cursor: string | undefined; ;) {
    const query = new URLSearchParams({ prefix, limit: '1000', ...(cursor !== undefined && { cursor }) })
    const { body } = await server.get(`/v1/tenants/${tenant}/kv?${query}`)
    for (const { key } of body.keys) keys.push(key)
    cursor = body.cursor
    if (cursor === undefined) return keys
  }
}
