import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, startServer, until } from './server.ts'
import { readRecords } from './witness.ts'

/** Queues, schedules, blobs and documents that functions are triggered by, over the real socket, process and database. */
let server: Server

beforeAll(async () => {
  server = await startServer()
  await server.tenant('ann', {})
})
afterAll(() => server[Symbol.asyncDispose]())

const T = '/v1/tenants/ann'

async function deploy(name: string, code: string, config: object = {}): Promise<void> {
  const { status, text } = await server.put(`${T}/functions/${name}`, { code, config })
  expect([200, 201], text).toContain(status)
}

async function run(code: string, input: unknown = null): Promise<any> {
  const { body } = await server.run('ann', { code, input })
  expect(body.status, JSON.stringify(body)).toBe('ok')
  return body.result
}

async function kv(key: string): Promise<any> {
  return (await server.get(`${T}/kv/${encodeURIComponent(key)}`)).body.value
}

async function letters(name: string): Promise<any[]> {
  return (await server.get(`${T}/dead-letters?function=${name}`)).body.deadLetters
}

test('messages come in batches; one that is asked for again comes again, one that is poison is a dead letter', async () => {
  await deploy(
    'consumer',
    `export default { async queue(batch, { kv, attempt }) {
      for (const message of batch.messages) {
        await kv.increment('seen/' + message.body.n)
        if (message.body.poison) message.retry()
        else if (message.body.twice && message.attempts === 1) message.retry({ delaySeconds: 0.01 })
        else message.ack()
      }
    } }`,
    { triggers: [{ queue: 'jobs', batchSize: 10, maxAttempts: 2 }] },
  )
  const bodies = [{ n: 1 }, { n: 2, twice: true }, { n: 3, poison: true }]
  await run('return context.queues.sendMany("jobs", input.map((body) => ({ body })))', bodies)
  await until(async () => (await letters('consumer')).length === 1)
  await until(async () => (await kv('seen/2')) === 2)
  expect([await kv('seen/1'), await kv('seen/2'), await kv('seen/3')]).toEqual([1, 2, 2])
  const [letter] = await letters('consumer')
  expect(letter).toMatchObject({ queue: 'jobs', trigger: 'queue', attempts: 2, error: { code: 'RETRY_ASKED' } })
  const records = (await readRecords(server, 'ann')).filter(({ trigger }) => trigger === 'queue')
  expect(records.length).toBeGreaterThanOrEqual(2)
  expect((await server.get(`${T}/queues`)).body.queues).toMatchObject([{ name: 'jobs', messages: 0 }])
})

test('a dead letter is looked at, mended and replayed into its queue', async () => {
  const [{ id }] = (await letters('consumer')) as [{ id: string }]
  expect((await server.get(`${T}/dead-letters/${id}`)).body).toMatchObject({ input: { n: 3, poison: true } })
  const edited = await server.call('PATCH', `${T}/dead-letters/${id}`, { input: { n: 4 } }, {})
  expect(edited.status).toBe(204)
  expect((await server.post(`${T}/dead-letters/${id}/replay`)).body).toEqual({ replayed: 1 })
  await until(async () => (await kv('seen/4')) === 1)
  expect(await letters('consumer')).toEqual([])
  expect((await server.post(`${T}/dead-letters/${id}/replay`)).status).toBe(404)
})

test('messages of one ordering key come one after the other, in their order', async () => {
  await deploy(
    'ordered',
    `export default { async queue({ messages }, { kv }) {
      for (const { body } of messages) await kv.put('order', [...((await kv.get('order')) ?? []), body])
    } }`,
    { triggers: [{ queue: 'ordered', batchSize: 3, concurrency: 4 }] },
  )
  await run(
    `return context.queues.sendMany('ordered', input.map((body) => ({ body, orderingKey: 'k' })))`,
    [1, 2, 3, 4, 5],
  )
  await until(async () => (await kv('order'))?.length === 5)
  expect(await kv('order')).toEqual([1, 2, 3, 4, 5])
})

test('changes of blobs and documents are events, filtered as the trigger says; a handler that fails ends as a dead letter', async () => {
  await deploy(
    'watcher',
    `export default {
      async blob(event, { kv }) { if (event.key.includes('bad')) throw new Error('not a picture'); await kv.put('blob/' + event.type + '/' + event.key, event) },
      async doc(event, { kv }) { await kv.put(['doc', event.collection, event.type, event.id].join('/'), event) },
    }`,
    {
      triggers: [
        { blob: 'created', prefix: 'in/', suffix: '.png' },
        { blob: 'deleted' },
        { doc: 'pets', on: ['created', 'deleted'] },
      ],
      retry: { maxAttempts: 1 },
    },
  )
  await run(`
    for (const key of ['in/a.png', 'in/a.txt', 'out/a.png', 'in/bad.png']) await context.blobs.put(key, 'x')
    await context.blobs.delete('in/a.txt')
    const pets = context.docs.collection('pets')
    await pets.insert({ name: 'rex' }, { id: 'p1' })
    await pets.patch('p1', { age: 3 })
    await pets.delete('p1')`)
  await until(async () => (await kv('doc/pets/deleted/p1')) !== undefined)
  await until(async () => (await letters('watcher')).length === 1)
  await until(async () => (await kv('blob/deleted/in/a.txt')) !== undefined)
  await until(async () => (await kv('blob/created/in/a.png')) !== undefined)
  const { keys } = (await server.get(`${T}/kv?prefix=`)).body
  const seen = keys.map(({ key }: { key: string }) => key).filter((key: string) => /^(blob|doc)/.test(key))
  expect(seen).toEqual(['blob/created/in/a.png', 'blob/deleted/in/a.txt', 'doc/pets/created/p1', 'doc/pets/deleted/p1'])
  expect(await kv('blob/created/in/a.png')).toMatchObject({ type: 'created', size: 1, contentType: expect.any(String) })
  const triggers = new Set((await readRecords(server, 'ann')).map(({ trigger }) => trigger))
  expect([...triggers]).toEqual(expect.arrayContaining(['queue', 'blob', 'doc']))
})

test('a schedule runs at its times, once each, can be paused and run by hand', async () => {
  await deploy(
    'clock',
    `export default { async scheduled(event, { kv }) { await kv.increment('tick/' + event.scheduledTime) } }`,
    { triggers: [{ schedule: '* * * * * *', timezone: 'Europe/Vienna' }] },
  )
  const ticks = async (): Promise<string[]> =>
    (await server.get(`${T}/kv?prefix=tick/`)).body.keys.map(({ key }: { key: string }) => key)
  await until(async () => (await ticks()).length >= 2)
  const [schedule] = (await server.get(`${T}/schedules`)).body.schedules
  expect(schedule).toMatchObject({
    function: 'clock',
    schedule: '* * * * * *',
    timezone: 'Europe/Vienna',
    state: 'active',
  })
  expect((await server.put(`${T}/schedules/${schedule.id}`, { state: 'paused' })).status).toBe(204)
  const { body, status } = await server.post(`${T}/schedules/${schedule.id}/run`)
  expect(status).toBe(202)
  await until(async () => (await server.get(`${T}/runs/${body.runId}`)).body.status === 'ok')
  for (const key of await ticks()) expect(await kv(key)).toBe(1)
  expect((await server.get(`${T}/schedules`)).body.schedules[0]).toMatchObject({ state: 'paused' })
})

test('a function that causes itself by its events is cut off', async () => {
  await deploy(
    'echo',
    `export default { async queue({ messages }, { queues }) { for (const { body } of messages) await queues.send('echo', body + 1) } }`,
    {
      triggers: [{ queue: 'echo' }],
    },
  )
  await run(`return context.queues.send('echo', 0)`)
  await until(async () => (await letters('echo')).length === 1)
  expect((await letters('echo'))[0]).toMatchObject({ error: { code: 'TOO_DEEP' } })
})

test('every fault of a trigger is told', async () => {
  const triggers = [{ schedule: '99 * * * *' }, { queue: 'a b', batchSize: 0 }, { blob: 'moved' }, { topic: 'x' }]
  const { status, body } = await server.put(`${T}/functions/bad`, {
    code: 'export default () => 1',
    config: { triggers },
  })
  expect(status).toBe(400)
  for (const part of [
    'triggers.0.schedule',
    'triggers.1.queue',
    'triggers.1.batchSize',
    'triggers.2.blob',
    'triggers.3',
  ])
    expect(body.error.message).toContain(part)
})
