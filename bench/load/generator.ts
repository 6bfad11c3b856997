import { percentile } from '../statistics.ts'
import { Connection } from './connection.ts'
import { type Load, type LoadResult, requestBytes } from './load.ts'

/** Answers of one load whose latency is kept. Past it the load ends early. */
const ANSWERS_MAX = 2_000_000
/** Longest wait at the end of a load for the answers that are still on their way. */
const DRAIN_MS = 10_000
const latencies = new Float64Array(ANSWERS_MAX)

/** The load generator's process: a load in by message, its result out, one after the other, until its parent is gone. */
process.on('message', (load: Load) => {
  generate(load).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ fault: String(error) }),
  )
})

async function generate(load: Load): Promise<LoadResult> {
  const failed = Promise.withResolvers<never>()
  const full = Promise.withResolvers<void>()
  const drained = Promise.withResolvers<void>()
  const request = requestBytes(load)
  const expect = Buffer.from(load.expect)
  let count = 0
  let counting = false
  let open = load.connections
  let phase: 'asking' | 'draining' = 'asking'
  const onAnswer = (connection: Connection, latencyMs: number): void => {
    if (counting) {
      latencies[count] = latencyMs
      count += 1
      if (count === ANSWERS_MAX) full.resolve()
    }
    if (phase === 'asking') return connection.ask()
    // Left only after its answer: a client that goes away cancels its run, which is not what is measured.
    connection.close()
    open -= 1
    if (open === 0) drained.resolve()
  }
  const { port } = load
  const connections = Array.from(
    { length: load.connections },
    () => new Connection({ port, request, expect, onAnswer, onFault: failed.reject }),
  )
  try {
    await Promise.race([failed.promise, pause(load.warmUpMs)])
    const cpu = process.cpuUsage()
    const startedMs = performance.now()
    counting = true
    await Promise.race([failed.promise, full.promise, pause(load.durationMs)])
    counting = false
    const tookMs = performance.now() - startedMs
    const { user, system } = process.cpuUsage(cpu)
    phase = 'draining'
    await Promise.race([failed.promise, drained.promise, pause(DRAIN_MS)])
    const sorted = latencies.subarray(0, count).toSorted()
    return {
      requests: count,
      perSecond: (count / tookMs) * 1_000,
      p50Ms: percentile(sorted, 50),
      p99Ms: percentile(sorted, 99),
      generatorCores: (user + system) / 1_000 / tookMs,
    }
  } finally {
    for (const connection of connections) connection.close()
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
