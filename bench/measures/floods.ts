import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Effort, Finding, Measure } from '../finding.ts'
import { GUEST_FLOODS, HTTP_FLOODS } from '../load/floods.ts'
import type { FloodOrder } from '../load/flooder.ts'
import { RESULTS_DIRECTORY } from '../results.ts'
import { type CloisterServer, startCloister } from '../servers/cloister.ts'

const PROBE = fileURLToPath(new URL('../servers/loop-delay.ts', import.meta.url))
const ROGUE = fileURLToPath(new URL('../../test/attacks/flooding-cell.cjs', import.meta.url))
/** Cells of the flooding tenant that were taken over: as many as the default policy lets it have. */
const CELL_FLOODS = [
  'entered',
  'yielded',
  'entered and yielded',
  'one frame at a time',
  'a frame without an end',
  'calls',
  'large calls',
  'calls without reading',
  'empty log lines',
]
const P99_MS_MAX = 50

type Order = Pick<FloodOrder, 'kind' | 'name'>
const QUIET = 'no flood'

/** What each flood makes of the host for everybody else. */
export const floods: Measure = {
  name: 'floods',
  about:
    'Delay of the host’s event loop, and the latency of another tenant’s runs, under floods of connections and requests, by ' +
    'guests, and by cells that were taken over. The flood comes from one process beside the host.',
  async run({ rounds, durationMs }: Effort, note) {
    const orders: Order[] = [
      { kind: 'http', name: QUIET },
      ...Object.keys(HTTP_FLOODS).map((name) => ({ kind: 'http', name }) as const),
      ...Object.keys(GUEST_FLOODS).map((name) => ({ kind: 'guest', name }) as const),
      ...CELL_FLOODS.map((name) => ({ kind: 'cell', name }) as const),
    ]
    const samples = new Map<Order, Sample[]>()
    for (let round = 0; round < Math.min(rounds, 3); round += 1) {
      for (const order of orders) {
        note(`round ${round + 1}: ${order.kind}, ${order.name}`)
        samples.getOrInsertComputed(order, () => []).push(await flood(order, durationMs))
      }
    }
    return [...samples].flatMap(([order, measured]) => findingsOf(order, measured))
  },
}

interface Sample {
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly cores: number
  readonly rssMb: number
  readonly neighbourP50: number
  readonly neighbourP99: number
}

/** A host of its own for each flood: what one leaves behind is not the next one's. */
async function flood({ kind, name }: Order, durationMs: number): Promise<Sample> {
  const directory = mkdtempSync(join(RESULTS_DIRECTORY, 'flood-'))
  const file = join(directory, 'delay.json')
  try {
    await using server = await startCloister({
      env: { BENCH_LOOP_DELAY: file, CLOISTER_ALLOW_WEAK_WALLS: 'true' },
      flags: [`--import=${PROBE}`],
      ...(kind === 'cell' && { prepare: takeOver }),
    })
    const authorization = (await server.addTenant('flooder', { rate: FAST })).authorization ?? ''
    await server.addTenant('neighbour', { rate: FAST })
    await runOnce(server)
    const child = fork(new URL('../load/flooder.ts', import.meta.url), { execArgv: [] })
    child.send({ kind, name, port: server.port, authorization } satisfies FloodOrder)
    await pause(300)
    await read(server, file)
    const latencies: number[] = []
    const untilMs = performance.now() + durationMs
    while (performance.now() < untilMs) {
      const startMs = performance.now()
      await runOnce(server)
      latencies.push(performance.now() - startMs)
      await pause(5)
    }
    const delay = await read(server, file)
    child.kill('SIGKILL')
    await once(child, 'exit')
    latencies.sort((a, b) => a - b)
    const at = (part: number): number =>
      latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? NaN
    return { ...delay, neighbourP50: at(0.5), neighbourP99: at(0.99) }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const FAST = { perSecond: 100_000, burst: 100_000 }

/** Puts the attacker's program in the place of the one that a host of this data directory has left there. */
function takeOver(directory: string): void {
  for (const program of globSync(join(directory, 'cells', 'cell-*.cjs'))) {
    chmodSync(program, 0o644)
    copyFileSync(ROGUE, program)
  }
}

async function runOnce(server: CloisterServer): Promise<void> {
  await server.call('POST', '/v1/tenants/neighbour/execute', { code: 'return 1', input: 'nothing' })
}

/** Asks the host for what it has measured since the last time. */
async function read({ pid }: CloisterServer, file: string): Promise<Omit<Sample, 'neighbourP50' | 'neighbourP99'>> {
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  for (;;) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Sample
    } catch {
      await pause(5)
    }
  }
}

function findingsOf({ kind, name }: Order, samples: readonly Sample[]): readonly Finding[] {
  const subject = name === QUIET ? name : `${kind}: ${name}`
  const of = (field: keyof Sample): number[] => samples.map((sample) => sample[field])
  return [
    { subject, metric: 'event loop delay, p50', unit: 'ms', rounds: of('p50') },
    {
      subject,
      metric: 'event loop delay, p99',
      unit: 'ms',
      rounds: of('p99'),
      target: { bound: 'at most', value: P99_MS_MAX },
    },
    { subject, metric: 'event loop delay, max', unit: 'ms', rounds: of('max') },
    { subject, metric: 'a neighbour’s run, p50', unit: 'ms', rounds: of('neighbourP50') },
    { subject, metric: 'a neighbour’s run, p99', unit: 'ms', rounds: of('neighbourP99') },
    { subject, metric: 'CPU of the host', unit: 'cores', rounds: of('cores') },
    { subject, metric: 'memory of the host', unit: 'MiB', rounds: of('rssMb') },
  ]
}
