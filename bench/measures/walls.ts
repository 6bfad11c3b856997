import type { Effort, Finding, Measure } from '../finding.ts'
import { ratio } from '../finding.ts'
import { type CloisterServer, startCloister } from '../servers/cloister.ts'
import { percentile } from '../statistics.ts'
import { firstRun, startProcess } from './cold-start.ts'

const LEVELS = ['A', 'B', 'C'] as const
const PROCESS = 'bare Node process that prints once'

/** What each level of the system wall costs a cell that has to be started first. */
export const walls: Measure = {
  name: 'walls',
  about:
    'The first run of a new tenant when no blank cell is kept, as the latency of its HTTP call, behind each level of the ' +
    'system wall, in turns, against starting a Node process that prints one line.',
  async run({ rounds, calls }: Effort, note) {
    await using started = new AsyncDisposableStack()
    const servers: [string, CloisterServer][] = []
    for (const level of LEVELS) servers.push([`walls ${level}`, started.use(await startBehind(level))])
    const measured: ReadonlyMap<string, readonly number[]>[] = []
    for (let round = -1; round < rounds; round += 1) {
      note(round < 0 ? 'warm-up' : `round ${round + 1} of ${rounds}`)
      const latencies = await measureRound(servers, calls, `round-${round + 1}`)
      if (round >= 0) measured.push(latencies)
    }
    return findingsOf(measured)
  },
}

function startBehind(level: string): Promise<CloisterServer> {
  const env = { CLOISTER_WALLS: level, CLOISTER_BLANK_CELLS: '0', CLOISTER_ALLOW_WEAK_WALLS: 'true' }
  return startCloister({ env })
}

async function measureRound(
  servers: readonly (readonly [string, CloisterServer])[],
  calls: number,
  prefix: string,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const latencies = new Map<string, number[]>([...servers.map(([subject]) => subject), PROCESS].map((s) => [s, []]))
  for (let call = 0; call < calls; call += 1) {
    const circumstances = { policy: { extends: 'default' }, blankCells: 0 }
    for (const [subject, server] of servers) {
      latencies.get(subject)?.push(await firstRun(server, `${prefix}-${call}`, circumstances))
    }
    latencies.get(PROCESS)?.push(await startProcess())
  }
  return latencies
}

function findingsOf(measured: readonly ReadonlyMap<string, readonly number[]>[]): readonly Finding[] {
  const median = (subject: string): number[] =>
    measured.map((round) => percentile(Float64Array.from(round.get(subject) ?? []).toSorted(), 50))
  const subjects = LEVELS.map((level) => `walls ${level}`)
  return [
    ...[...subjects, PROCESS].map((subject) => ({ subject, metric: 'p50', unit: 'ms', rounds: median(subject) })),
    ...subjects.map((subject) => ratio(`${subject} ÷ bare process`, 'p50', median(subject), median(PROCESS))),
  ]
}
