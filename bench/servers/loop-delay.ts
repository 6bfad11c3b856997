import { renameSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/**
 * Loaded into a host under test (`--import`), it measures the delay of the event loop: how much later than asked a timer of
 * {@link RESOLUTION_MS} fires. At SIGUSR2 it writes what was measured since the last one to the file that
 * `BENCH_LOOP_DELAY` names.
 */
const RESOLUTION_MS = 2
const file = process.env['BENCH_LOOP_DELAY']
if (file !== undefined) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  let last = process.cpuUsage()
  let lastMs = performance.now()
  const late = (nanos: number): number => Math.max(0, nanos / 1e6 - RESOLUTION_MS)
  process.on('SIGUSR2', () => {
    const { user, system } = process.cpuUsage(last)
    const elapsedMs = performance.now() - lastMs
    const [p50, p99, max] = [histogram.percentile(50), histogram.percentile(99), histogram.max].map(late)
    const rssMb = process.memoryUsage.rss() / 2 ** 20
    writeFileSync(`${file}.draft`, JSON.stringify({ p50, p99, max, cores: (user + system) / 1_000 / elapsedMs, rssMb }))
    renameSync(`${file}.draft`, file)
    histogram.reset()
    last = process.cpuUsage()
    lastMs = performance.now()
  })
}
