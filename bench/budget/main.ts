import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startGenerator } from '../load/client.ts'
import type { LoadResult } from '../load/load.ts'
import { openPolicy, startCloister } from '../servers/cloister.ts'
import { BODY, EXPECTED } from '../servers/subject.ts'
import { shown } from '../table.ts'
import { type CpuProfile, type Slice, sliceByStage } from './profile.ts'

/** Where the time of the host's main thread goes in a warm run: `node bench/budget/main.ts [--connections N]`. */
const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '32' },
    seconds: { type: 'string', default: '10' },
    reuse: { type: 'string', default: 'function' },
    cells: { type: 'string', default: '16' },
    ledger: { type: 'string', default: 'on' },
  },
})
const FUNCTIONS_SHOWN = 6
const INTERVAL_MICROS = 200
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

const directory = mkdtempSync(join(tmpdir(), 'cloister-budget-'))
try {
  const { result, from, to } = await loadUnderProfile()
  const file = globSync('*.0.*.cpuprofile', { cwd: directory })[0] ?? ''
  const profile = JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile
  print(result, sliceByStage(profile, from, to, ROOT))
} finally {
  rmSync(directory, { recursive: true })
}

async function loadUnderProfile(): Promise<{ result: LoadResult; from: number; to: number }> {
  await using generator = startGenerator()
  const flags = ['--cpu-prof', `--cpu-prof-dir=${directory}`, `--cpu-prof-interval=${INTERVAL_MICROS}`]
  await using server = await startCloister({ flags, env: { CLOISTER_LEDGER: values.ledger } })
  const reuse = values.reuse === 'context' ? 'context' : 'function'
  const policy = { ...openPolicy(reuse), instance: { reuse, maxCells: Number(values.cells) } }
  const headers = await server.addTenant('t', policy)
  const load = {
    port: server.port,
    path: '/v1/tenants/t/execute',
    headers,
    body: BODY,
    expect: EXPECTED,
    connections: Number(values.connections),
    warmUpMs: 0,
  }
  await generator.run({ ...load, durationMs: 5_000 })
  const from = monotonicMicros()
  const result = await generator.run({ ...load, durationMs: Number(values.seconds) * 1_000 })
  return { result, from, to: monotonicMicros() }
}

function monotonicMicros(): number {
  return Number(process.hrtime.bigint()) / 1_000
}

function print({ requests, perSecond }: LoadResult, stages: ReadonlyMap<string, Slice>): void {
  process.stdout.write(`${shown(perSecond)} requests a second; µs of the host's main thread a request:\n\n`)
  const sorted = [...stages].toSorted(([, a], [, b]) => b.micros - a.micros)
  for (const [stage, { micros, functions }] of sorted) {
    process.stdout.write(`${(micros / requests).toFixed(2).padStart(8)}  ${stage}\n`)
    for (const [place, own] of functions.slice(0, FUNCTIONS_SHOWN)) {
      process.stdout.write(`${' '.repeat(12)}${(own / requests).toFixed(2).padStart(6)}  ${place}\n`)
    }
  }
}
