import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { request } from 'undici'
import { type Measure, ratio } from '../finding.ts'
import { openPolicy, startCloister } from '../servers/cloister.ts'

const CHUNK_BYTES = 64 * 1_024
const CHUNKS = 256
const MEBIBYTES = (CHUNK_BYTES * CHUNKS) / 2 ** 20
const GUEST = 'fetch handler of a guest'
const NODE = 'node:http'

/** Sends a body of zeros, or sends back what it gets, a chunk at a time. */
const HANDLER = `export default {
  fetch(request) {
    if (request.method === 'POST') return new Response(request.body)
    const chunk = new Uint8Array(${CHUNK_BYTES})
    let left = ${CHUNKS}
    return new Response(new ReadableStream({ pull(controller) { left-- > 0 ? controller.enqueue(chunk.slice()) : controller.close() } }))
  },
}`

const DIRECTIONS = [
  { metric: `${MEBIBYTES} MiB down, chunks of 64 KiB`, read: download },
  { metric: `${MEBIBYTES} MiB up and down again`, read: echo },
] as const

/** Bodies that stream through host, cell and guest. */
export const stream: Measure = {
  name: 'stream',
  about:
    'A response that a guest makes chunk by chunk, and a request that it sends back as it comes, over HTTP to one client, beside ' +
    'the same from bare node:http in the process that measures. Rounds alternate.',
  async run({ rounds }, note) {
    await using server = await startCloister()
    const limits = { streamInBytes: 2 ** 30, streamOutBytes: 2 ** 30, wallMs: 60_000, cpuMs: 60_000 }
    await server.addTenant('t', { ...openPolicy('function'), limits })
    await server.call('PUT', '/v1/tenants/t/functions/zeros', { code: HANDLER })
    await using raw = await startRaw()
    const urls = { [GUEST]: `http://127.0.0.1:${server.port}/run/t/zeros/`, [NODE]: `http://127.0.0.1:${raw.port}/` }
    const findings = []
    for (const { metric, read } of DIRECTIONS) {
      const speed = { [GUEST]: [] as number[], [NODE]: [] as number[] }
      for (let round = -1; round < rounds; round += 1) {
        note(`${metric}, round ${round + 1} of ${rounds}`)
        for (const subject of [GUEST, NODE] as const) {
          const perSecond = MEBIBYTES / (await read(urls[subject]))
          // The first round is for warming up.
          if (round >= 0) speed[subject].push(perSecond)
        }
      }
      findings.push(
        { subject: GUEST, metric, unit: 'MiB/s', rounds: speed[GUEST] },
        { subject: NODE, metric, unit: 'MiB/s', rounds: speed[NODE] },
        ratio(`${GUEST} ÷ ${NODE}`, metric, speed[GUEST], speed[NODE]),
      )
    }
    return findings
  },
}

async function startRaw(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((asked, response) => {
    void pipeline(asked.method === 'POST' ? asked : zeros(), response).catch(() => response.destroy())
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

function zeros(): Readable {
  return Readable.from(
    (function* () {
      for (let left = CHUNKS; left > 0; left -= 1) yield Buffer.alloc(CHUNK_BYTES)
    })(),
  )
}

/** Seconds. */
async function download(url: string): Promise<number> {
  return await timed(url, request(url))
}

/** Seconds. */
async function echo(url: string): Promise<number> {
  return await timed(url, request(url, { method: 'POST', body: zeros() }))
}

async function timed(url: string, response: ReturnType<typeof request>): Promise<number> {
  const started = performance.now()
  const { statusCode, body } = await response
  let bytes = 0
  for await (const chunk of body) bytes += (chunk as Buffer).length
  if (statusCode !== 200 || bytes !== CHUNK_BYTES * CHUNKS)
    throw new Error(`${url}: status ${statusCode} and ${bytes} bytes`)
  return (performance.now() - started) / 1_000
}
