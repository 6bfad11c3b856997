import { afterAll, expect, test } from 'vitest'
import { ROOT, createDirectory, runProgram } from '../cli/command-line.ts'
import { type Client, startServer, until } from '../e2e/server.ts'

const directory = createDirectory()
afterAll(() => directory[Symbol.dispose]())

test('an order is shipped once although its host was killed, and what was done is taken back when a party refuses', async () => {
  const { path } = directory
  let server = await startServer({ directory: path })
  await using taken = new AsyncDisposableStack()
  taken.defer(() => server[Symbol.asyncDispose]())
  await server.tenant('local')
  const cloister = async (...args: string[]) => {
    const env = { CLOISTER_URL: server.url, CLOISTER_KEY: server.adminKey }
    const { code, stdout, stderr } = await runProgram(args, { cwd: ROOT, env })
    if (code !== 0) throw new Error(stderr)
    return stdout.trim()
  }
  const order = (input: object) => cloister('executions', 'start', 'order', '--input', JSON.stringify(input))
  const look = async (id: string, client: Client = server) =>
    (await client.get(`/v1/tenants/local/executions/${id}`)).body
  const ended = async (id: string) => {
    await until(async () => (await look(id)).status === 'done')
    return look(id)
  }
  const kept = async (key: string) => (await server.get(`/v1/tenants/local/kv/${encodeURIComponent(key)}`)).body.value

  await cloister('deploy', 'examples/order-saga')
  const id = await order({ id: 'o1', items: { tea: 2 }, cents: 900 })
  await until(async () => (await kept('paid/o1')) === 900)
  server.process.child.kill('SIGKILL')
  await server.ended
  server = await startServer({ directory: path })
  await until(async () => (await look(id)).status === 'suspended')
  expect(await cloister('executions', 'show', id)).toMatch(/suspended .*reserve +step +done .*charge +step +done /s)
  await cloister('executions', 'send', id, 'parcel', '--input', '{"number":"P-1"}')
  expect((await ended(id)).result).toEqual({ status: 'shipped', parcel: 'P-1' })
  expect(await kept('paid/o1')).toBe(900)

  const refused = await order({ id: 'o2', items: { tea: 1 }, cents: 200_000 })
  const undone = { status: 'cancelled', because: 'the card was refused', undone: ['release'] }
  expect((await ended(refused)).result).toEqual(undone)
  const stuck = await order({ id: 'o3', items: { tea: 1 }, cents: 500 })
  await cloister('executions', 'send', stuck, 'parcel', '--input', '{"number":null}')
  const { result, steps } = await ended(stuck)
  expect(result).toMatchObject({ status: 'cancelled', undone: ['refund', 'release'] })
  expect(steps.map((step: { id: string }) => step.id)).toEqual([
    'reserve',
    'charge',
    'event:parcel',
    'refund',
    'release',
  ])
  expect([await kept('paid/o3'), await kept('reserved/o3')]).toEqual([0, undefined])
  expect(await cloister('executions', 'list', '--function', 'order')).toMatch(/(order .*done.*){3}/s)
})
