import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type IncomingMessage, type RequestOptions, request as httpRequest } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, cellsOf, startServer, until } from './server.ts'

const MIB = 1 << 20
/** Far more than any buffer on the way holds. */
const SIZE = 128 * MIB

let server: Server
beforeAll(async () => {
  server = await startServer()
  await server.tenant('ann', {
    policy: { limits: { wallMs: 120_000, cpuMs: 120_000, streamInBytes: 2 * SIZE }, instance: { maxCells: 1 } },
  })
})
afterAll(() => server[Symbol.asyncDispose]())

let functions = 0
/** Deploys the body of a fetch handler; returns its path. */
async function deploy(body: string, config: object = {}): Promise<string> {
  functions += 1
  const name = `f${functions}`
  const code = `export default { async fetch(request, context) { ${body} } }`
  const answer = await server.put(`/v1/tenants/ann/functions/${name}`, { code, config })
  if (answer.status !== 201) throw new Error(answer.text)
  return `/run/ann/${name}`
}

async function open(path: string, options: RequestOptions = {}, body?: Buffer): Promise<IncomingMessage> {
  const outgoing = httpRequest(server.url + path, { agent: false, ...options })
  // Of a connection that is cut, the response tells.
  outgoing.on('error', () => {})
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return response
}

const runOf = async (id: unknown): Promise<any> => (await server.get(`/v1/tenants/ann/runs/${String(id)}`)).body
const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

test('a function that was deployed answers HTTP requests, and its run is in the ledger by then', async () => {
  const path = await deploy(
    `return Response.json({ path: new URL(request.url).pathname, body: await request.json() }, { status: 201 })`,
  )
  const answer = await fetch(`${server.url}${path}/a/b`, { method: 'POST', body: '{"n":1}' })
  expect([answer.status, await answer.json()]).toEqual([201, { path: '/a/b', body: { n: 1 } }])
  const run = await runOf(answer.headers.get('x-cloister-run-id'))
  expect(run).toMatchObject({ trigger: 'http', status: 'ok', usage: { billed: true } })
})

test('a streamed response is in the ledger when it ends', async () => {
  const path = await deploy(
    `return new Response(new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('hi')); c.close() } }))`,
  )
  const answer = await fetch(server.url + path)
  expect(await answer.text()).toBe('hi')
  expect(await runOf(answer.headers.get('x-cloister-run-id'))).toMatchObject({ status: 'ok' })
})

test('a key is asked for where the function says so', async () => {
  const path = await deploy(`return new Response(request.headers.get('authorization'))`, { http: { auth: 'key' } })
  expect((await fetch(server.url + path)).status).toBe(401)
  const ann = await server.asTenant('ann')
  expect(await ann.get(path)).toMatchObject({ status: 200, text: '' })
})

test.skipIf(process.platform !== 'linux')(
  'megabytes that go through a guest to a client that does not read are in the memory of neither host nor cell',
  async () => {
    const path = await deploy(`return new Response(request.body)`)
    // The first run is the one that grows heaps for good.
    const echoed = (await (await open(path, { method: 'POST' }, Buffer.alloc(4 * MIB))).toArray()) as Buffer[]
    expect(Buffer.concat(echoed)).toEqual(Buffer.alloc(4 * MIB))
    const pids = [server.pid, ...cellsOf(server.directory)]
    const before = pids.map(memoryOf)
    const outgoing = httpRequest(`${server.url}${path}`, { agent: false, method: 'POST' })
    outgoing.on('error', () => {})
    outgoing.end(Buffer.alloc(SIZE, 'x'))
    await once(outgoing, 'response')
    // All stand still once the buffers between them are full: the same figure is seen over and over.
    let [sent, same] = [-1, 0]
    while (same < 10) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      const now = outgoing.socket?.bytesWritten ?? 0
      same = now === sent ? same + 1 : 0
      sent = now
    }
    for (const [index, pid] of pids.entries()) expect(memoryOf(pid) - (before[index] ?? 0)).toBeLessThan(SIZE / 2)
    outgoing.destroy()
  },
)

test('a client that leaves in the middle has its run cancelled and billed', async () => {
  const path = await deploy(
    `return new Response(new ReadableStream({ async pull(c) { await new Promise((f) => setTimeout(f, 5)); c.enqueue(new Uint8Array(10)) } }))`,
  )
  const response = await open(path)
  await once(response, 'data')
  response.destroy()
  const id = response.headers['x-cloister-run-id']
  await until(async () => (await runOf(id)).status !== undefined)
  expect(await runOf(id)).toMatchObject({ status: 'cancelled', usage: { billed: true } })
})

test.skipIf(process.platform !== 'linux')(
  'a cell that dies in the middle cuts the connection, and its run is billed as crashed',
  async () => {
    const path = await deploy(
      `return new Response(new ReadableStream({ async pull(c) { await new Promise((f) => setTimeout(f, 5)); c.enqueue(new Uint8Array(10)) } }))`,
    )
    const before = new Set(cellsOf(server.directory))
    const response = await open(path)
    await once(response, 'data')
    expect(before.size).toBeGreaterThan(0)
    for (const pid of cellsOf(server.directory)) process.kill(pid, 'SIGKILL')
    await expect(response.resume().toArray()).rejects.toThrow(/aborted/)
    const id = response.headers['x-cloister-run-id']
    await until(async () => (await runOf(id)).status !== undefined)
    expect(await runOf(id)).toMatchObject({ status: 'crashed', usage: { billed: true } })
  },
)
