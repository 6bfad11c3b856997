import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Effort, Finding, Measure } from '../finding.ts'
import { type CloisterServer, openPolicy, startCloister } from '../servers/cloister.ts'
import { type Memory, childrenOf, memoryOf } from '../servers/process-facts.ts'
import { BODY } from '../servers/subject.ts'

const TENANTS = 40
const BLANK_CELLS = 8
/** How long cells have nothing to do before they are weighed: what they make in advance is made by then. */
const SETTLE_MS = 2_000

/** What a cell costs while nobody calls it. */
export const memory: Measure = {
  name: 'memory',
  about:
    `Memory of ${TENANTS} idle cells that have run a tenant's function once, and of blank cells: pages that are a cell's ` +
    'own, and the same with a fair part of the shared ones (PSS).',
  async run({ rounds }: Effort, note) {
    const samples: Sample[] = []
    // A round starts everything anew and takes long; what it weighs is steady.
    for (let round = 0; round < Math.min(rounds, 3); round += 1) {
      note(`round ${round + 1}`)
      await using server = await startCloister({ env: { CLOISTER_BLANK_CELLS: String(BLANK_CELLS) } })
      samples.push(await weigh(server))
    }
    return (['leased', 'blank'] as const).flatMap((state) => findingsOf(state, samples))
  },
}

interface Sample {
  readonly leased: readonly Memory[]
  readonly blank: readonly Memory[]
}

async function weigh(server: CloisterServer): Promise<Sample> {
  const names = Array.from({ length: TENANTS }, (_, index) => `tenant-${index}`)
  for (const name of names) await runOnce(server, name)
  await server.blankCells(BLANK_CELLS)
  await pause(SETTLE_MS)
  const cells = new Map(childrenOf(server.pid).map((pid) => [pid, memoryOf(pid)]))
  for (const name of names) await server.call('DELETE', `/v1/tenants/${name}`)
  await pause(SETTLE_MS)
  // The cells of a tenant end with it: those that are left were blank.
  const isBlank = ([pid]: readonly [number, Memory]): boolean => existsSync(`/proc/${pid}`)
  const all = [...cells]
  const sample = {
    leased: all.filter((cell) => !isBlank(cell)).map(([, weight]) => weight),
    blank: all.filter(isBlank).map(([, weight]) => weight),
  }
  if (sample.leased.length !== TENANTS) throw new Error(`${sample.leased.length} cells were leased, not ${TENANTS}`)
  return sample
}

async function runOnce(server: CloisterServer, name: string): Promise<void> {
  await server.call('PUT', `/v1/tenants/${name}`, { policy: openPolicy('function') })
  await server.blankCells(1)
  await server.call('POST', `/v1/tenants/${name}/execute`, JSON.parse(BODY) as object)
}

function findingsOf(state: keyof Sample, samples: readonly Sample[]): readonly Finding[] {
  const mean = (field: keyof Memory): number[] =>
    samples.map((sample) => {
      const cells = sample[state]
      return cells.reduce((sum, cell) => sum + cell[field], 0) / cells.length / 2 ** 20
    })
  const subject = `${state} cell, idle`
  return [
    { subject, metric: 'own memory, mean', unit: 'MiB', rounds: mean('privateBytes') },
    { subject, metric: 'PSS, mean', unit: 'MiB', rounds: mean('proportionalBytes') },
    { subject, metric: 'RSS, mean', unit: 'MiB', rounds: mean('residentBytes') },
  ]
}
