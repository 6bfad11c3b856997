import { setTimeout as pause } from 'node:timers/promises'
import type { Effort, Finding, Measure } from '../finding.ts'
import { type CloisterServer, openPolicy, startCloister } from '../servers/cloister.ts'

/** Asynchronous runs of one round of throughput, and calls that are made at once to queue them. */
const RUNS = 2_000
const CALLERS = 32
const LETTERS = 10_000
const BURST = 64
/** After which a burst has failed. */
const BURST_MS_MAX = 30_000
const LATENCIES = 100

const FUNCTIONS: Readonly<Record<string, { readonly code: string; readonly config?: object }>> = {
  count: { code: 'export default (input, { kv }) => kv.increment(input.name)' },
  stamp: { code: `export default (input, { kv, runId }) => kv.put('entered/' + input.n, 1)` },
  broken: {
    code: `export default async (input, { kv }) => {
      if ((await kv.get('mended')) !== true) throw new Error('not yet')
      await kv.increment('replayed')
    }`,
    config: { retry: { maxAttempts: 1 } },
  },
  busy: {
    code: `export default async (input, { kv }) => {
      await kv.put('peak/' + (await kv.increment('busy')), 1)
      for (let wait = 0; wait < 300 && (await kv.get('busy')) < ${BURST}; wait += 1) {
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
    }`,
  },
  consumer: {
    code: `export default { queue: ({ messages }, { kv }) => kv.put('delivered/' + messages[0].body, 1) }`,
    config: { triggers: [{ queue: 'q' }] },
  },
}

/** What runs without a caller who waits. */
export const events: Measure = {
  name: 'events',
  about:
    `Asynchronous runs, each durable before it is acknowledged: throughput of ${RUNS}; from the call to the function entered, ` +
    `alone and while another tenant has ${RUNS} queued; ${LETTERS} dead letters replayed; from 0 to ${BURST} runs of one function at once.`,
  async run({ rounds }: Effort, note): Promise<readonly Finding[]> {
    await using server = await startCloister()
    const policy = { ...openPolicy('function'), events: { queued: 1_000_000, deadLetters: 100_000 } }
    for (const tenant of ['a', 'b']) {
      await server.addTenant(tenant, policy)
      for (const [name, { code, config = {} }] of Object.entries(FUNCTIONS)) {
        await server.call('PUT', `/v1/tenants/${tenant}/functions/${name}`, { code, config })
      }
    }
    const bench = new EventBench(server)
    const perSecond: number[] = []
    for (let round = 0; round < rounds; round += 1) perSecond.push(await bench.throughput(`round-${round}`))
    note('throughput measured')
    const alone = await bench.latencies()
    await bench.queue('b', 'count', RUNS, { name: 'crowd' })
    const crowded = await bench.latencies()
    await bench.counted('b', 'crowd', RUNS)
    const queued = await bench.queueLatencies()
    note('latencies measured')
    const replay = await bench.replay()
    note('replay measured')
    const burst = await bench.burst()
    const latency = (subject: string, sorted: readonly number[]): readonly Finding[] =>
      [50, 99].map((percent) => ({
        subject,
        metric: `p${percent}`,
        unit: 'ms',
        rounds: [sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? NaN],
      }))
    return [
      { subject: 'asynchronous runs', metric: 'dealt with', unit: '1/s', rounds: perSecond },
      ...latency('asynchronous call → function entered', alone),
      ...latency('the same, another tenant has a crowd queued', crowded),
      ...latency('message sent → function entered', queued),
      { subject: `${LETTERS} dead letters`, metric: 'replayed, until dealt with', unit: 'ms', rounds: [replay] },
      { subject: `0 → ${BURST} runs of one function`, metric: 'until all at once', unit: 'ms', rounds: [burst] },
    ]
  },
}

class EventBench {
  readonly #server: CloisterServer

  constructor(server: CloisterServer) {
    this.#server = server
  }

  /** Runs a second, from the first call to the last run. */
  async throughput(name: string): Promise<number> {
    const startMs = performance.now()
    await this.queue('a', 'count', RUNS, { name })
    await this.counted('a', name, RUNS)
    return RUNS / ((performance.now() - startMs) / 1_000)
  }

  /** Sorted, in ms: each ends when the function's write is seen. */
  async latencies(): Promise<readonly number[]> {
    const all: number[] = []
    for (let n = 0; n < LATENCIES; n += 1) {
      const key = `${performance.now()}`
      const startMs = performance.now()
      await this.queue('a', 'stamp', 1, { n: key })
      await this.#seen('a', `entered/${key}`)
      all.push(performance.now() - startMs)
    }
    return all.toSorted((a, b) => a - b)
  }

  async queueLatencies(): Promise<readonly number[]> {
    const all: number[] = []
    for (let n = 0; n < LATENCIES; n += 1) {
      const code = 'await context.queues.send("q", input)'
      const startMs = performance.now()
      await this.#server.call('POST', '/v1/tenants/a/execute', { code, input: n })
      await this.#seen('a', `delivered/${n}`)
      all.push(performance.now() - startMs)
    }
    return all.toSorted((a, b) => a - b)
  }

  /** ms, from the replay to the last of the runs. */
  async replay(): Promise<number> {
    await this.queue('a', 'broken', LETTERS, {})
    while ((await this.#queuedOf('broken')) < LETTERS) await pause(100)
    await this.#server.call('POST', '/v1/tenants/a/execute', { code: 'await context.kv.put("mended", true)' })
    const startMs = performance.now()
    await this.#server.call('POST', '/v1/tenants/a/dead-letters/replay?function=broken')
    await this.counted('a', 'replayed', LETTERS)
    return performance.now() - startMs
  }

  /** ms, until so many runs of the function are in progress at once. */
  async burst(): Promise<number> {
    const startMs = performance.now()
    await this.queue('a', 'busy', BURST, {})
    while ((await this.#valueOf('a', `peak/${BURST}`)) === undefined) {
      if (performance.now() - startMs > BURST_MS_MAX) throw new Error(`never ${BURST} runs at once`)
      await pause(2)
    }
    return performance.now() - startMs
  }

  async queue(tenant: string, name: string, count: number, input: object): Promise<void> {
    let left = count
    const caller = async (): Promise<void> => {
      while (left > 0) {
        left -= 1
        const path = `/v1/tenants/${tenant}/functions/${name}/invoke`
        await this.#server.call('POST', path, { input }, { prefer: 'respond-async' })
      }
    }
    await Promise.all(Array.from({ length: Math.min(CALLERS, count) }, caller))
  }

  async counted(tenant: string, key: string, count: number): Promise<void> {
    while ((await this.#valueOf(tenant, key)) !== count) await pause(5)
  }

  async #seen(tenant: string, key: string): Promise<void> {
    while ((await this.#valueOf(tenant, key)) === undefined);
  }

  async #valueOf(tenant: string, key: string): Promise<unknown> {
    try {
      const path = `/v1/tenants/${tenant}/kv/${encodeURIComponent(key)}`
      return ((await this.#server.call('GET', path)) as { value: unknown }).value
    } catch {
      return undefined
    }
  }

  /** Dead letters of a function, page by page. */
  async #queuedOf(name: string): Promise<number> {
    let count = 0
    for (let before = ''; ;) {
      const query = `function=${name}&limit=1000${before === '' ? '' : `&before=${before}`}`
      const answer = await this.#server.call('GET', `/v1/tenants/a/dead-letters?${query}`)
      const { deadLetters, next } = answer as { deadLetters: readonly object[]; next?: string }
      count += deadLetters.length
      if (next === undefined) return count
      before = next
    }
  }
}
