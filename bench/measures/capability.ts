import { createBroker } from '../../src/broker/broker.ts'
import { createKvCapability } from '../../src/broker/kv.ts'
import { systemClock } from '../../src/core/clock.ts'
import { parseTenantId } from '../../src/core/ids.ts'
import type { Session } from '../../src/core/run.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { ticketOf } from '../../test/scheduler/ticket.ts'
import type { Effort, Finding, Measure } from '../finding.ts'
import { type CloisterServer, openPolicy, startCloister } from '../servers/cloister.ts'
import { spreadOf } from '../statistics.ts'

const CALLS = 1_000
const TOGETHER = 32
const LOOPS = {
  'no call': 'await null',
  'kv.get': "await kv.get('key')",
  'kv.put': "await kv.put('key', { index })",
} as const
const NAMES = Object.keys(LOOPS) as readonly (keyof typeof LOOPS)[]

/** What it takes a guest to ask the host for something and have the answer. */
export const capability: Measure = {
  name: 'capability',
  about:
    `One run that awaits ${CALLS} capability calls, one after the other, then ${TOGETHER} at a time: the wall time that it is charged for. ` +
    'A put is durable on disk before it is answered. `in the host`: a call without a guest, a cell and a wire.',
  async run({ rounds }: Effort) {
    const findings = await inHost(rounds)
    await using server = await startCloister()
    await server.addTenant('t', openPolicy('function'))
    for (const name of NAMES) {
      const [sequence, together]: [number[], number[]] = [[], []]
      for (let round = -1; round < rounds; round += 1) {
        const micros = await runLoop(server, `for (let index = 0; index < input.calls; index += 1) ${LOOPS[name]}`)
        const many = await runLoop(
          server,
          `let index = 0
          const go = async () => { while (index++ < input.calls) ${LOOPS[name]} }
          await Promise.all(Array.from({ length: ${TOGETHER} }, go))`,
        )
        // The first round is for warming up.
        if (round < 0) continue
        sequence.push(micros)
        together.push(1_000_000 / many)
      }
      findings.push({ subject: name, metric: 'a call, in sequence', unit: 'µs', rounds: sequence })
      if (name === 'no call') continue
      findings.push({ subject: name, metric: `calls, ${TOGETHER} at a time`, unit: '/s', rounds: together })
    }
    return findings
  },
}

/** µs of one call. */
async function runLoop(server: CloisterServer, loop: string): Promise<number> {
  const code = `export default async function (input, { kv }) {
    ${loop}
    return 'done'
  }`
  const run = await server.call('POST', '/v1/tenants/t/execute', { code, input: { calls: CALLS } })
  const { result, usage } = run as { result?: string; usage: { wallMs: number } }
  if (result !== 'done') throw new Error(`unexpected answer: ${JSON.stringify(run).slice(0, 1_000)}`)
  return (usage.wallMs * 1_000) / CALLS
}

/** The median call of a session as the pool makes it, over a real store: what the broker and the store take by themselves. */
async function inHost(rounds: number): Promise<Finding[]> {
  await using stores = await openTemporaryStores({ clock: systemClock })
  const id = parseTenantId('t')
  if (id === undefined) throw new Error('t is a name')
  const now = systemClock.now()
  await stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: now, updatedAt: now })
  const broker = createBroker({
    capabilities: [createKvCapability({ store: stores.kv, clock: systemClock })],
    clock: systemClock,
    ledger: stores.ledger,
    onFault: (_, error) => {
      throw error
    },
  })
  const base = loadPolicies([]).resolve('default')
  const { kv } = base.capabilities
  if (kv === undefined) throw new Error('the default policy grants kv')
  const policy = { ...base, capabilities: { kv: { ...kv, operations: Number.MAX_SAFE_INTEGER } } }
  using session = broker.open(ticketOf('t', policy))
  const findings = []
  for (const [operation, args] of [
    ['kv.put', '["key",{"index":1}]'],
    ['kv.get', '["key"]'],
  ] as const) {
    const medians: number[] = []
    for (let round = -1; round < rounds; round += 1) {
      const p50 = spreadOf(await timesOf(session, operation, args)).median
      if (round >= 0) medians.push(p50)
    }
    findings.push({ subject: `${operation} in the host`, metric: 'p50 of a call', unit: 'µs', rounds: medians })
  }
  return findings
}

async function timesOf(session: Session, operation: string, args: string): Promise<readonly number[]> {
  const times: number[] = []
  for (let call = 0; call < CALLS; call += 1) {
    const start = performance.now()
    await session.call(operation, args)
    times.push((performance.now() - start) * 1_000)
  }
  return times
}
