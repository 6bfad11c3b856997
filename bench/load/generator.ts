import { percentile } from '../statistics.ts'
import { Connection } from './connection.ts'
import { type Load, type LoadResult, requestBytes } from './load.ts'

/** Answers of one load whose latency is kept. Past it the load ends early. */
const ANSWERS_MAX = 2_000_000
const latencies = new Float64Array(ANSWERS_MAX)

/** The load generator's process: a load in by message, its result out, one after the other, until its parent is gone. */
process.on('message', (load: Load) => {
  generate(load).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ fault: String(error) }),
  )
})

async function generate(load: Load): Promise<LoadResult> {
  const ended = Promise.withResolvers<void>()
  const request = requestBytes(load)
  const expect = Buffer.from(load.expect)
  let count = 0
  let counting = false
  const onAnswer = (connection: Connection, latencyMs: number): void => {
    if (counting) {
      latencies[count] = latencyMs
      count += 1
      if (count === ANSWERS_MAX) ended.resolve()
    }
    connection.ask()
  }
  const { port } = load
  const connections = Array.from(
    { length: load.connections },
    () => new Connection({ port, request, expect, onAnswer, onFault: ended.reject }),
  )
  try {
    await Promise.race([ended.promise, pause(load.warmUpMs)])
    const cpu = process.cpuUsage()
    const startedMs = performance.now()
    counting = true
    await Promise.race([ended.promise, pause(load.durationMs)])
    counting = false
    const tookMs = performance.now() - startedMs
    const { user, system } = process.cpuUsage(cpu)
    const sorted = latencies.slice(0, count).sort()
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
