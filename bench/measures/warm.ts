import { type Finding, type Measure, ratio } from '../finding.ts'
import { startGenerator } from '../load/client.ts'
import { type Contestant, type Scores, compete, findingsOf, roundsOf } from '../load/contest.ts'
import { type CloisterServer, openPolicy, startCloister } from '../servers/cloister.ts'
import { startRawHttp } from '../servers/raw-http.ts'
import { BODY, EXPECTED } from '../servers/subject.ts'
import { startWorkerd } from '../servers/workerd.ts'

const CONNECTIONS = [1, 32, 256]
const FUNCTION = 'cloister, reuse function'
const CONTEXT = 'cloister, reuse context'
const WORKERD = 'workerd'
const RAW = 'node:http'

/** Warm runs over HTTP, with everything that a run of a customer's code has: key, metering, a durable ledger. */
export const warm: Measure = {
  name: 'warm',
  about:
    'A warm run of a small function over HTTP: Cloister with key, metering and the ledger durable on disk, against ' +
    'workerd with the same function built in and against bare node:http, which isolates nothing and charges nobody.',
  async run({ rounds, durationMs, warmUpMs }, note) {
    await using generator = startGenerator()
    await using cloister = await startCloister()
    await using workerd = await startWorkerd()
    await using raw = await startRawHttp()
    const contestants: readonly Contestant[] = [
      await tenant(cloister, FUNCTION, 'function'),
      await tenant(cloister, CONTEXT, 'context'),
      { subject: WORKERD, pid: workerd.pid, load: peerLoad(workerd.port) },
      { subject: RAW, pid: raw.pid, load: peerLoad(raw.port) },
    ]
    const findings: Finding[] = []
    for (const connections of CONNECTIONS) {
      note(`${connections} connections`)
      const scores = await compete({ generator, contestants, connections, rounds, durationMs, warmUpMs })
      findings.push(...findingsOf(scores, suffixOf(connections)), ...ratiosOf(scores, connections))
    }
    return findings
  },
}

async function tenant(server: CloisterServer, subject: string, reuse: 'function' | 'context'): Promise<Contestant> {
  const headers = await server.addTenant(reuse, openPolicy(reuse))
  const load = { port: server.port, path: `/v1/tenants/${reuse}/execute`, headers, body: BODY, expect: EXPECTED }
  return { subject, pid: server.pid, load }
}

function peerLoad(port: number): Contestant['load'] {
  // A header as long as a key's, so that all requests are of one length.
  return { port, path: '/', headers: { authorization: `Bearer ${'x'.repeat(64)}` }, body: BODY, expect: EXPECTED }
}

function ratiosOf(scores: Scores, connections: number): readonly Finding[] {
  const suffix = suffixOf(connections)
  const perSecond = (subject: string): readonly number[] => roundsOf(scores, subject, 'perSecond')
  const target = connections === 32 ? ({ bound: 'at least', value: 2 } as const) : undefined
  return [
    ratio(`${FUNCTION} ÷ workerd`, `requests, ${suffix}`, perSecond(FUNCTION), perSecond(WORKERD), target),
    ratio(`${CONTEXT} ÷ workerd`, `requests, ${suffix}`, perSecond(CONTEXT), perSecond(WORKERD)),
    ratio(`${FUNCTION} ÷ node:http`, `requests, ${suffix}`, perSecond(FUNCTION), perSecond(RAW)),
    {
      subject: 'load generator',
      metric: `cores in use at most, ${suffix}`,
      unit: '',
      rounds: [Math.max(...[...scores.keys()].flatMap((subject) => roundsOf(scores, subject, 'generatorCores')))],
    },
  ]
}

function suffixOf(connections: number): string {
  return connections === 1 ? '1 connection' : `${connections} connections`
}
