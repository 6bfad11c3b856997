import { expect, onTestFinished, test } from 'vitest'
import { emit } from '../../src/core/events.ts'
import { type TenantId, createRunIds, parseTenantId } from '../../src/core/ids.ts'
import { bytes, mebibytes, micros, units } from '../../src/core/quantity.ts'
import type { RunStatus } from '../../src/core/outcome.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'

const acme: TenantId = parseTenantId('acme')!
const newRunId = createRunIds(() => 0)

function finish(status: RunStatus, wallMs: number): void {
  const usage = {
    wall: micros(wallMs * 1_000),
    cpu: micros(500_000),
    units: units(2),
    memory: mebibytes(128),
    peakMemory: bytes(0),
    operations: {},
    inputSize: bytes(0),
    outputSize: bytes(0),
    logSize: bytes(0),
    egress: bytes(0),
    ingress: bytes(0),
    coldStart: status === 'ok',
  }
  emit('run.finished', { run: newRunId(), tenant: acme, status, usage, queuedMs: 3 })
}

function open(cells: () => { state: string }[] = () => [], backedOff = () => 0) {
  const metrics = createMetrics({ cells, backedOff })
  onTestFinished(() => metrics[Symbol.dispose]())
  return metrics
}

test('runs are counted by how they ended, with their time, their wait and their units', async () => {
  const metrics = open()
  finish('ok', 40)
  finish('ok', 4_000)
  finish('timeout', 4_000)
  const text = await metrics.expose()
  expect(text).toContain('cloister_runs_total{status="ok"} 2\n')
  expect(text).toContain('cloister_runs_total{status="timeout"} 1\n')
  expect(text).toContain('cloister_runs_total{status="crashed"} 0\n')
  expect(text).toContain('cloister_run_duration_seconds_bucket{le="0.05"} 1\n')
  expect(text).toContain('cloister_run_duration_seconds_count 3\n')
  expect(text).toContain('cloister_run_queue_seconds_bucket{le="0.005"} 3\n')
  expect(text).toContain('cloister_run_units_total 6\n')
  expect(text).toContain('cloister_run_cpu_seconds_total 1.5\n')
  expect(text).toContain('cloister_cold_starts_total 2\n')
})

test('refusals are counted by code, and every code is there from the start', async () => {
  const metrics = open()
  emit('run.refused', { tenant: acme, code: 'BUDGET_EXCEEDED' })
  emit('run.refused', { tenant: undefined, code: 'UNAUTHENTICATED' })
  const text = await metrics.expose()
  expect(text).toContain('cloister_refusals_total{code="BUDGET_EXCEEDED"} 1\n')
  expect(text).toContain('cloister_refusals_total{code="OVERLOADED"} 0\n')
})

test('cells are shown by the state that they are in now', async () => {
  let states = ['blank', 'blank', 'busy']
  const metrics = open(() => states.map((state) => ({ state })))
  emit('cell.spawned', { pid: 1, startMs: 24, blank: 1 })
  emit('cell.leased', { pid: 1, tenant: acme, waitedMs: 0, blank: true })
  emit('cell.retired', { pid: 1, tenant: acme, reason: 'idle', runs: 1, ageMs: 10 })
  const text = await metrics.expose()
  expect(text).toContain('cloister_cells{state="blank"} 2\n')
  expect(text).toContain('cloister_cells{state="busy"} 1\n')
  expect(text).toContain('cloister_cell_start_seconds_bucket{le="0.025"} 1\n')
  expect(text).toContain('cloister_cells_retired_total{reason="idle"} 1\n')
  states = ['busy']
  const later = await metrics.expose()
  expect(later).toContain('cloister_cells{state="blank"} 0\n')
})

test('refusals of tenants that are held off are counted by how their last cell ended, and the tenants as they are now', async () => {
  let tenants = 2
  const metrics = open(undefined, () => tenants)
  for (const reason of ['cpu', 'cpu', 'crash']) emit('run.held-off', { tenant: acme, reason })
  const text = await metrics.expose()
  expect(text).toContain('cloister_backed_off_refusals_total{reason="cpu"} 2\n')
  expect(text).toContain('cloister_backed_off_refusals_total{reason="crash"} 1\n')
  expect(text).toContain('cloister_backed_off_tenants 2\n')
  expect(text).not.toContain('acme')
  tenants = 0
  expect(await metrics.expose()).toContain('cloister_backed_off_tenants 0\n')
})

test('commits, the event loop and the process are measured', async () => {
  const metrics = open()
  emit('ledger.committed', { records: 7, commitMs: 0.3 })
  const text = await metrics.expose()
  expect(text).toContain('cloister_ledger_records_total 7\n')
  expect(text).toContain('cloister_ledger_commit_seconds_sum 0.0003\n')
  for (const name of [
    'nodejs_eventloop_lag_p99_seconds',
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
  ]) {
    expect(text).toMatch(new RegExp(`^${name} `, 'm'))
  }
  expect(metrics.contentType).toContain('text/plain')
})

test('no series tells one tenant from another', async () => {
  const metrics = open(() => [{ state: 'busy' }])
  finish('ok', 1)
  emit('run.refused', { tenant: acme, code: 'RATE_LIMITED' })
  expect(await metrics.expose()).not.toContain('acme')
})

test('measurements that were given up listen no more', async () => {
  const metrics = createMetrics({ cells: () => [], backedOff: () => 0 })
  metrics[Symbol.dispose]()
  finish('ok', 1)
  expect(await metrics.expose()).not.toContain('cloister_runs_total')
})
