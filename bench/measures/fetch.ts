import { once } from 'node:events'
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { type Effort, type Measure, ratio } from '../finding.ts'
import { type CloisterServer, openPolicy, startCloister } from '../servers/cloister.ts'

const REQUESTS = 200
const SUBJECTS = ['undici alone', 'fetch of a guest'] as const
const SIZES = [
  { name: '100 bytes', bytes: 100 },
  { name: '1 MiB', bytes: 1 << 20 },
] as const

/** What it costs that a guest's request goes by way of the host. */
export const fetching: Measure = {
  name: 'fetch',
  about:
    `One run that awaits ${REQUESTS} requests to a server of this machine, one after the other, each read to its end, beside the same ` +
    'with undici in the process that measures: wall time a request. A tenth as many of 1 MiB.',
  async run({ rounds }: Effort) {
    await using origin = await startOrigin()
    await using server = await startCloister()
    await server.addTenant('t', policyFor(origin.port))
    const findings = []
    for (const { name, bytes } of SIZES) {
      const count = bytes > 1_000 ? REQUESTS / 10 : REQUESTS
      const micros = { alone: [] as number[], guest: [] as number[] }
      for (let round = -1; round < rounds; round += 1) {
        const url = `http://127.0.0.1:${origin.port}/${bytes}`
        const [alone, guest] = [await askAlone(url, count), await askAsGuest(server, url, count)]
        // The first round is for warming up.
        if (round < 0) continue
        micros.alone.push(alone)
        micros.guest.push(guest)
      }
      const metric = `a request for ${name}, in sequence`
      findings.push(
        { subject: SUBJECTS[0], metric, unit: 'µs', rounds: micros.alone },
        { subject: SUBJECTS[1], metric, unit: 'µs', rounds: micros.guest },
        ratio(`${SUBJECTS[1]} / ${SUBJECTS[0]}`, metric, micros.guest, micros.alone),
      )
    }
    return findings
  },
}

function policyFor(port: number): object {
  const allow = [{ host: '127.0.0.1', ports: [port] }]
  const fetch = { requests: 100_000, allow, privateRanges: ['127.0.0.1/32'] }
  return { ...openPolicy('function'), capabilities: { fetch } }
}

async function startOrigin(): Promise<AsyncDisposable & { readonly port: number }> {
  const server: Server = createServer((asked, response) => {
    response.end(Buffer.alloc(Number(asked.url?.slice(1)), 'x'))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** µs of one request with one connection that is kept. */
async function askAlone(url: string, count: number): Promise<number> {
  await using agent = disposable(new Agent({ connections: 1 }))
  const started = performance.now()
  for (let index = 0; index < count; index += 1) {
    const { body } = await request(url, { dispatcher: agent.value })
    await body.arrayBuffer()
  }
  return ((performance.now() - started) * 1_000) / count
}

function disposable(value: Agent): AsyncDisposable & { readonly value: Agent } {
  return { value, [Symbol.asyncDispose]: () => value.close() }
}

async function askAsGuest(server: CloisterServer, url: string, count: number): Promise<number> {
  const code = `export default async function ({ url, count }) {
    for (let index = 0; index < count; index += 1) await (await fetch(url)).arrayBuffer()
    return 'done'
  }`
  const run = await server.call('POST', '/v1/tenants/t/execute', { code, input: { url, count } })
  const { result, usage } = run as { result?: string; usage: { wallMs: number } }
  if (result !== 'done') throw new Error(`unexpected answer: ${JSON.stringify(run).slice(0, 1_000)}`)
  return (usage.wallMs * 1_000) / count
}
