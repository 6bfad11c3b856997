import type { Effort, Measure } from '../finding.ts'
import { type CloisterServer, openPolicy, startCloister } from '../servers/cloister.ts'

const CALLS = 1_000
const NAMES = ['no call', 'kv.get', 'kv.put'] as const

const LOOPS: Readonly<Record<(typeof NAMES)[number], string>> = {
  'no call': 'await null',
  'kv.get': "await kv.get('key')",
  'kv.put': "await kv.put('key', { index })",
}

/** What it takes a guest to ask the host for something and have the answer. */
export const capability: Measure = {
  name: 'capability',
  about:
    `One run that awaits ${CALLS} capability calls, one after the other: the wall time that it is charged for, per call. ` +
    'A put is durable on disk before it is answered.',
  async run({ rounds }: Effort) {
    await using server = await startCloister()
    await server.addTenant('t', openPolicy('function'))
    for (const name of NAMES) await runLoop(server, name)
    const micros = new Map(NAMES.map((name) => [name, [] as number[]]))
    for (let round = 0; round < rounds; round += 1) {
      for (const name of NAMES) micros.get(name)?.push(await runLoop(server, name))
    }
    return NAMES.map((name) => ({
      subject: name,
      metric: 'a call, in sequence',
      unit: 'µs',
      rounds: micros.get(name) ?? [],
    }))
  },
}

/** µs of one call. */
async function runLoop(server: CloisterServer, name: (typeof NAMES)[number]): Promise<number> {
  const code = `export default async function (input, { kv }) {
    for (let index = 0; index < input.calls; index += 1) ${LOOPS[name]}
    return 'done'
  }`
  const run = await server.call('POST', '/v1/tenants/t/execute', { code, input: { calls: CALLS } })
  const { result, usage } = run as { result?: string; usage: { wallMs: number } }
  if (result !== 'done') throw new Error(`unexpected answer: ${JSON.stringify(run).slice(0, 1_000)}`)
  return (usage.wallMs * 1_000) / CALLS
}
