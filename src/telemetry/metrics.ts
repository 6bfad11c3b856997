import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { ERRORS } from '../core/errors.ts'
import { listen } from '../core/events.ts'
import { RUN_STATUSES } from '../core/outcome.ts'

/** What is asked when the measurements are. */
export interface MetricsParts {
  /** The cells that there are, of which only the states are looked at. */
  readonly cells: () => readonly { readonly state: string }[]
  /** Tenants whose new runs are held off now. */
  readonly backedOff: () => number
}

/** Measurements of the host. Disposing them ends the listening. */
export interface Metrics extends Disposable {
  /** The media type of what `expose` gives. */
  readonly contentType: string
  /** All measurements in the text format of Prometheus. */
  expose(): Promise<string>
}

/** How often the event loop's delay is sampled. Finer would wake an idle host more often than its cells do. */
const LOOP_DELAY_RESOLUTION_MS = 50

const RUN_SECONDS = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900]
const WAIT_SECONDS = [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * Counts what the events tell, and what Node tells of the process.
 *
 * Invariant: no label names a tenant or holds anything that one wrote, so the number of series is fixed.
 */
export function createMetrics({ cells, backedOff }: MetricsParts): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_DELAY_RESOLUTION_MS })
  const stops = [
    ...countRuns(registry),
    ...countCells(registry, cells),
    ...countBackOff(registry, backedOff),
    ...countCommits(registry),
  ]
  return {
    contentType: registry.contentType,
    expose: () => registry.metrics(),
    [Symbol.dispose]() {
      for (const stop of stops) stop()
      registry.clear()
    },
  }
}

type Stop = () => void

function countRuns(registry: Registry): readonly Stop[] {
  const registers = [registry]
  const runs = counter(registry, 'cloister_runs_total', 'Runs that took place, by how they ended.', 'status')
  const refusals = counter(registry, 'cloister_refusals_total', 'Runs that were refused or failed, by code.', 'code')
  const seconds = histogram(registry, 'cloister_run_duration_seconds', 'Wall time of runs.', RUN_SECONDS)
  const queued = histogram(registry, 'cloister_run_queue_seconds', 'From arrival to a turn.', WAIT_SECONDS)
  const cpu = new Counter({ name: 'cloister_run_cpu_seconds_total', help: 'CPU time of runs.', registers })
  const units = new Counter({ name: 'cloister_run_units_total', help: 'Units of 100 ms charged.', registers })
  const cold = new Counter({
    name: 'cloister_cold_starts_total',
    help: 'Runs that took a blank cell or made an isolate.',
    registers,
  })
  // Looked up once: a label costs more than the count.
  const byStatus = new Map(RUN_STATUSES.map((status) => [status, runs.labels(status)]))
  for (const code of Object.keys(ERRORS)) refusals.labels(code).inc(0)
  for (const child of byStatus.values()) child.inc(0)
  return [
    listen('run.finished', ({ status, usage, queuedMs }) => {
      byStatus.get(status)?.inc()
      seconds.observe(usage.wall / 1_000_000)
      queued.observe(queuedMs / 1_000)
      cpu.inc(usage.cpu / 1_000_000)
      units.inc(usage.units)
      if (usage.coldStart) cold.inc()
    }),
    listen('run.refused', ({ code }) => refusals.labels(code).inc()),
  ]
}

function countCells(registry: Registry, cells: MetricsParts['cells']): readonly Stop[] {
  const spawned = histogram(registry, 'cloister_cell_start_seconds', 'From the start of a cell to ready.', WAIT_SECONDS)
  const leased = histogram(registry, 'cloister_cell_wait_seconds', 'From asking for a cell to having it.', WAIT_SECONDS)
  const retired = counter(registry, 'cloister_cells_retired_total', 'Cells that ended, by reason.', 'reason')
  const states = new Set<string>()
  new Gauge({
    name: 'cloister_cells',
    help: 'Cells by state.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      // A state that no cell is in any more is 0, not what it last was.
      for (const state of states) this.set({ state }, 0)
      for (const { state } of cells()) {
        states.add(state)
        this.inc({ state })
      }
    },
  })
  return [
    listen('cell.spawned', ({ startMs }) => spawned.observe(startMs / 1_000)),
    listen('cell.leased', ({ waitedMs }) => leased.observe(waitedMs / 1_000)),
    listen('cell.retired', ({ reason }) => retired.labels(reason).inc()),
  ]
}

function countBackOff(registry: Registry, backedOff: MetricsParts['backedOff']): readonly Stop[] {
  const help = 'Runs refused because their tenant’s code keeps bringing down cells, by how the last one ended.'
  const heldOff = counter(registry, 'cloister_backed_off_refusals_total', help, 'reason')
  new Gauge({
    name: 'cloister_backed_off_tenants',
    help: 'Tenants whose new runs are held off.',
    registers: [registry],
    collect() {
      this.set(backedOff())
    },
  })
  return [listen('run.held-off', ({ reason }) => heldOff.labels(reason).inc())]
}

function countCommits(registry: Registry): readonly Stop[] {
  const seconds = histogram(registry, 'cloister_ledger_commit_seconds', 'Time of a commit of the ledger.', WAIT_SECONDS)
  const records = new Counter({
    name: 'cloister_ledger_records_total',
    help: 'Records committed to the ledger.',
    registers: [registry],
  })
  return [
    listen('ledger.committed', ({ records: count, commitMs }) => {
      seconds.observe(commitMs / 1_000)
      records.inc(count)
    }),
  ]
}

function counter<Label extends string>(registry: Registry, name: string, help: string, label: Label): Counter<Label> {
  return new Counter({ name, help, labelNames: [label], registers: [registry] })
}

function histogram(registry: Registry, name: string, help: string, buckets: number[]): Histogram {
  return new Histogram({ name, help, buckets, registers: [registry] })
}
