import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, startServer } from './server.ts'

let server: Server
beforeAll(async () => {
  server = await startServer()
  await server.tenant('ann')
  await server.tenant('eve', { policy: { capabilities: { docs: null } } })
  await server.run('ann', {
    code: `await context.docs.collection('orders').insert({ total: 7, note: 'é' }, { id: 'o1' })
    await context.blobs.put('rates.json', '{"vat":0.2}')`,
  })
})
afterAll(() => server[Symbol.asyncDispose]())

const deploy = (name: string, code: string, bind: object, tenant = 'ann') =>
  server.put(`/v1/tenants/${tenant}/functions/${name}`, { code, config: { bind } })
const invoke = async (name: string, input: unknown): Promise<any> =>
  (await server.post(`/v1/tenants/ann/functions/${name}/invoke`, { input })).body
const read = async (code: string): Promise<any> => (await server.run('ann', { code })).body.result

const messagesOf = async (queue: string): Promise<unknown> => {
  const { body } = await server.get(`/v1/tenants/ann/queues/${queue}/messages`)
  return (body.messages ?? []).map((message: any) => message.body)
}

test('a function gets what it is bound to, and what it leaves is written, counted and charged with its run', async () => {
  const code = `export default (input, { bound }) => {
    const gross = bound.order.data.total * (1 + bound.rates.vat)
    bound.receipt = { gross, note: bound.order.data.note }
    bound.page = 'gross: ' + gross
    bound.raw = new Uint8Array([1, 2])
    bound.mail = { to: 'ann', gross }
    return bound.nothing
  }`
  expect(
    await deploy('price', code, {
      order: { docs: 'orders/{input.id}', required: true },
      rates: { blob: 'rates.json', as: 'json' },
      nothing: { blob: 'none/{input.id}' },
      receipt: { docs: 'receipts/{input.id}', direction: 'out' },
      page: { blob: 'pages/{input.id}.txt', direction: 'out' },
      raw: { blob: 'raw/{runId}', direction: 'out' },
      mail: { queue: 'mails' },
      unset: { docs: 'receipts/unset', direction: 'out' },
    }),
  ).toMatchObject({ status: 201 })
  const { runId, status, result } = await invoke('price', { id: 'o1' })
  expect([status, result]).toEqual(['ok', null])
  expect(await read(`return (await context.docs.collection('receipts').get('o1')).data`)).toEqual({
    gross: 8.4,
    note: 'é',
  })
  expect(await read(`return (await context.docs.collection('receipts').get('unset'))`)).toBe(null)
  expect(
    await read(`const b = await context.blobs.get('pages/o1.txt'); return [b.contentType, await b.text()]`),
  ).toEqual(['text/plain; charset=utf-8', 'gross: 8.4'])
  expect(await read(`return [...await (await context.blobs.get('raw/${runId}')).bytes()]`)).toEqual([1, 2])
  expect(await messagesOf('mails')).toEqual([{ to: 'ann', gross: 8.4 }])
  const run = (await server.get(`/v1/tenants/ann/runs/${runId}`)).body
  expect(run.usage.operations).toEqual({
    'docs.get': 1,
    'blobs.get': 2,
    'docs.transact': 1,
    'blobs.put': 2,
    'queues.send': 1,
  })
})

test('an input that is required and missing, or whose place cannot be told, fails the run before its code', async () => {
  await deploy('need', `export default () => { console.log('begun') }`, {
    order: { docs: 'orders/{input.id}', required: true },
  })
  const run = await invoke('need', { id: 'o2' })
  expect(run).toMatchObject({
    status: 'error',
    error: { name: 'BindingError', message: 'the input "order" is required, and there is nothing at orders/o2' },
    logs: [],
    usage: { billed: true },
  })
  expect((await invoke('need', {})).error.message).toBe('input "order": needs {input.id}, which is missing')
  expect((await invoke('need', { id: 'x'.repeat(200) })).error.message).toMatch(/INVALID_ARGUMENT: id has 200 bytes/)
})

test('nothing is written for a run that does not end well', async () => {
  await deploy('fail', `export default (input, { bound }) => { bound.out = { a: 1 }; throw new Error('no') }`, {
    out: { docs: 'receipts/failed', direction: 'out' },
  })
  expect((await invoke('fail', {})).error.message).toBe('no')
  // Here the host has the output already when the run turns out to have ended badly.
  await deploy('long', `export default (input, { bound }) => { bound.out = { a: 1 }; return 'x'.repeat(2 << 20) }`, {
    out: { docs: 'receipts/failed', direction: 'out' },
  })
  expect((await invoke('long', {})).status).toBe('output-exceeded')
  expect(await read(`return await context.docs.collection('receipts').get('failed')`)).toBe(null)
})

test('an output that cannot be written fails the run, and what comes after it is not written', async () => {
  await deploy('bad', `export default (input, { bound }) => { bound.doc = [1]; bound.mail = 1; return 'done' }`, {
    doc: { docs: 'receipts/bad', direction: 'out' },
    mail: { queue: 'never' },
  })
  const run = await invoke('bad', {})
  expect(run).toMatchObject({ status: 'error', error: { message: expect.stringContaining('"doc" must be an object') } })
  expect(run.result).toBeUndefined()
  expect(await messagesOf('never')).toEqual([])
})

test('a name that is not bound cannot be written, and an input cannot be changed', async () => {
  const bind = { order: { docs: 'orders/o1' } }
  await deploy('typo', `export default (input, { bound }) => { bound.ordr = 1 }`, bind)
  expect((await invoke('typo', {})).error.name).toBe('TypeError')
  await deploy('over', `export default (input, { bound }) => { bound.order = 1 }`, bind)
  expect((await invoke('over', {})).error.name).toBe('TypeError')
})

test('a configuration is refused for its templates, and for what the policy does not grant', async () => {
  const code = 'export default () => 1'
  const bad = await deploy('x', code, { a: { blob: 'a/{input' }, b: { docs: 'nothing' } })
  expect(bad.status).toBe(400)
  expect(bad.text).toContain('config.bind.a')
  expect(bad.text).toContain('config.bind.b')
  const denied = await deploy('x', code, { a: { docs: 'orders/1' } }, 'eve')
  expect([denied.status, denied.body.error.message]).toEqual([400, 'config.bind.a: the policy does not grant docs'])
})
