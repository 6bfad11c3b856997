import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Effort, type Finding, type Measure, ratio } from '../finding.ts'
import { type CloisterServer, startCloister } from '../servers/cloister.ts'
import { BODY, EXPECTED } from '../servers/subject.ts'
import { percentile } from '../statistics.ts'

const BLANK_CELLS = 4
/**
 * Blank cells hold an isolate with the heap limit of the default policy; the only tenant with another one needs a new isolate.
 * One that several tenants have would be kept ready as well, so each gets its own here.
 */
const DEFAULT_HEAP = { extends: 'default' }
let heaps = 0
const rareHeap = () => ({ extends: 'default', limits: { memoryMb: 256 + ((heaps += 1) % 1_024) } })
const BLANK = 'first run, blank cell ready'
const OTHER_HEAP = 'the same, heap limit not the default'
const NONE = 'first run, no blank cell'
const PROCESS = 'bare Node process that prints once'
const SUBJECTS = [BLANK, OTHER_HEAP, NONE, PROCESS] as const
type Latencies = Readonly<Record<(typeof SUBJECTS)[number], readonly number[]>>

/** What the first call of a new tenant waits. */
export const coldStart: Measure = {
  name: 'cold-start',
  about:
    'The first run of a new tenant, as the latency of its HTTP call, with a blank cell ready and with none kept, ' +
    'against starting a Node process that prints one line.',
  async run({ rounds, calls }: Effort, note) {
    await using ready = await startCloister({ env: { CLOISTER_BLANK_CELLS: String(BLANK_CELLS) } })
    await using none = await startCloister({ env: { CLOISTER_BLANK_CELLS: '0' } })
    const measured: Latencies[] = []
    // The programs' own code is compiled by then; what is left to measure is the tenant's first run.
    await measureRound(ready, none, Math.ceil(calls / 2), 'warm-up')
    for (let round = 0; round < rounds; round += 1) {
      note(`round ${round + 1} of ${rounds}`)
      measured.push(await measureRound(ready, none, calls, `round-${round}`))
    }
    return findingsOf(measured)
  },
}

async function measureRound(
  ready: CloisterServer,
  none: CloisterServer,
  calls: number,
  prefix: string,
): Promise<Latencies> {
  const latencies = {
    [BLANK]: [] as number[],
    [OTHER_HEAP]: [] as number[],
    [NONE]: [] as number[],
    [PROCESS]: [] as number[],
  }
  for (let call = 0; call < calls; call += 1) {
    const name = `${prefix}-${call}`
    latencies[BLANK].push(await firstRun(ready, name, { policy: DEFAULT_HEAP, blankCells: BLANK_CELLS }))
    latencies[OTHER_HEAP].push(await firstRun(ready, name, { policy: rareHeap(), blankCells: BLANK_CELLS }))
    latencies[NONE].push(await firstRun(none, name, { policy: DEFAULT_HEAP, blankCells: 0 }))
    latencies[PROCESS].push(await startProcess())
  }
  return latencies
}

export interface Circumstances {
  readonly policy: object
  /** That are ready when the run comes. */
  readonly blankCells: number
}

/** Latency of a new tenant's first run in ms. Its cell is gone before the next one is measured. */
export async function firstRun(
  server: CloisterServer,
  name: string,
  { policy, blankCells }: Circumstances,
): Promise<number> {
  const headers = { ...(await server.addTenant(name, policy)), 'content-type': 'application/json' }
  await server.blankCells(blankCells)
  const url = `http://127.0.0.1:${server.port}/v1/tenants/${name}/execute`
  const startedMs = performance.now()
  const response = await fetch(url, { method: 'POST', headers, body: BODY })
  const text = await response.text()
  const tookMs = performance.now() - startedMs
  if (!text.includes(EXPECTED)) throw new Error(`unexpected answer: ${text.slice(0, 1_000)}`)
  await server.call('DELETE', `/v1/tenants/${name}`)
  return tookMs
}

export async function startProcess(): Promise<number> {
  const startedMs = performance.now()
  const child = spawn(process.execPath, ['-e', 'console.log(1)'], { stdio: ['ignore', 'pipe', 'ignore'], env: {} })
  const exited = once(child, 'exit')
  await once(child.stdout, 'data')
  const tookMs = performance.now() - startedMs
  await exited
  return tookMs
}

function findingsOf(measured: readonly Latencies[]): readonly Finding[] {
  const at = (subject: keyof Latencies, percent: number): number[] =>
    measured.map((round) => percentile(Float64Array.from(round[subject]).toSorted(), percent))
  const target = { bound: 'at most', value: 4 } as const
  return [
    ...SUBJECTS.flatMap((subject): Finding[] => [
      { subject, metric: 'p50', unit: 'ms', rounds: at(subject, 50), ...(subject === BLANK && { target }) },
      { subject, metric: 'p99', unit: 'ms', rounds: at(subject, 99) },
    ]),
    ratio(`${BLANK} ÷ bare process`, 'p50', at(BLANK, 50), at(PROCESS, 50)),
    ratio(`${NONE} ÷ bare process`, 'p50', at(NONE, 50), at(PROCESS, 50)),
  ]
}
