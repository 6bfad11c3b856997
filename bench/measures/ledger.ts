import { type Measure, ratio } from '../finding.ts'
import { startGenerator } from '../load/client.ts'
import { type Contestant, compete, findingsOf, roundsOf } from '../load/contest.ts'
import { type CloisterServer, openPolicy, startCloister } from '../servers/cloister.ts'
import { BODY, EXPECTED } from '../servers/subject.ts'

const CONNECTIONS = 32
const ON = 'ledger on'
const OFF = 'ledger off'

/** What it costs that a run is in the ledger, durably, before its answer leaves. */
export const ledger: Measure = {
  name: 'ledger',
  about:
    'Warm runs at 32 connections with the ledger on, each record committed and synced to disk before its answer ' +
    'leaves, against the same host with the ledger off.',
  async run({ rounds, durationMs, warmUpMs }) {
    await using generator = startGenerator()
    await using on = await startCloister()
    await using off = await startCloister({ env: { CLOISTER_LEDGER: 'off' } })
    const contestants = [await contestant(on, ON), await contestant(off, OFF)]
    const scores = await compete({ generator, contestants, connections: CONNECTIONS, rounds, durationMs, warmUpMs })
    const perSecond = (subject: string): readonly number[] => roundsOf(scores, subject, 'perSecond')
    const metric = `requests, ${CONNECTIONS} connections`
    return [
      ...findingsOf(scores, `${CONNECTIONS} connections`),
      ratio('ledger on ÷ off', metric, perSecond(ON), perSecond(OFF), { bound: 'at least', value: 0.9 }),
    ]
  },
}

async function contestant(server: CloisterServer, subject: string): Promise<Contestant> {
  const headers = await server.addTenant('t', openPolicy('function'))
  const load = { port: server.port, path: '/v1/tenants/t/execute', headers, body: BODY, expect: EXPECTED }
  return { subject, pid: server.pid, load }
}
