import { compare } from '../containment/compare.ts'
import { DEFAULT_PEERS } from '../containment/peers.ts'
import { CLASSES, LIMITS, type ProgramClass } from '../containment/program.ts'
import { PROGRAMS } from '../containment/programs.ts'
import { createComparisonFile } from '../containment/saved.ts'
import { scoreOf } from '../containment/score.ts'
import type { Effort, Finding, Measure } from '../finding.ts'

/** What hostile programs can do to the host of a sandbox, here and elsewhere. */
export const containment: Measure = {
  name: 'containment',
  about:
    `The same hostile and ordinary programs in several sandboxes, ${LIMITS.wallMs} ms and ${LIMITS.memoryMb} MB each: how many ended ` +
    'within the limits and left the host as it was. `node bench/containment/main.ts` shows which.',
  async run({ programs }: Effort, note) {
    const chosen = PROGRAMS.filter(({ quick }) => programs === 'all' || quick)
    const file = createComparisonFile()
    const comparison = await compare({ peers: DEFAULT_PEERS, programs: chosen, file, note })
    note(`every program and peer: ${file.path}`)
    return Object.keys(comparison.versions).flatMap((peer): Finding[] => {
      const { classes, hostAlive, offered } = scoreOf(comparison, peer)
      return [
        ...(Object.keys(CLASSES) as ProgramClass[]).map((name) => ({
          subject: peer,
          metric: `${name}: contained, of ${classes[name].offered}`,
          unit: '',
          rounds: [classes[name].good],
        })),
        { subject: peer, metric: `host alive and answering, of ${offered}`, unit: '', rounds: [hostAlive] },
      ]
    })
  },
}
