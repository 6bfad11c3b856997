import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { IncomingMessage, createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytes } from '../../src/core/quantity.ts'
import { BodyReader } from '../../src/gateway/body-reader.ts'
import { Pace } from '../../src/gateway/pace.ts'
import { boundPipeline, stopParsingWhatIsCut } from '../../src/gateway/pipeline-bound.ts'
import { openGateway } from './world.ts'

/** Number of the turn of the event loop, from now on. */
function countTurns(): Disposable & { readonly now: number } {
  const turns = { now: 0, [Symbol.dispose]: () => clearImmediate(next) }
  let next = setImmediate(function count() {
    turns.now += 1
    next = setImmediate(count)
  })
  return turns
}

test('work that waits is done in order, as much of it in a turn as there is room for, and some of it in every turn', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 250 }), { minLength: 1, maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(sizes, async (works) => {
      using turns = countTurns()
      const pace = new Pace(100)
      const done: { index: number; turn: number }[] = []
      await new Promise<void>((resolve) => {
        for (const [index, size] of works.entries()) {
          pace.later(size, () => {
            done.push({ index, turn: turns.now })
            if (done.length === works.length) resolve()
          })
        }
      })
      expect(done.map(({ index }) => index)).toEqual([...works.keys()])
      for (const [turn, inIt] of Map.groupBy(done, (each) => each.turn)) {
        const spent = inIt.reduce((sum, { index }) => sum + (works[index] ?? 0), 0)
        expect(inIt.length === 1 || spent <= 100, `turn ${turn}`).toBe(true)
      }
      expect(turns.now).toBeLessThanOrEqual(works.length)
    }),
    { numRuns: 50 },
  )
})

test('what is spent in a turn is forgotten in the next one', async () => {
  const pace = new Pace(100)
  expect([pace.spend(60), pace.spend(40), pace.spend(1)]).toEqual(['go on', 'go on', 'wait'])
  await new Promise((resolve) => pace.later(1, () => resolve(undefined)))
  await new Promise((resolve) => setImmediate(resolve))
  expect(pace.spend(60)).toBe('go on')
})

test('large bodies arrive whole, and one a turn at most is gone on with', async () => {
  const world = await openGateway({ limits: { turnSize: (64 << 10) as never } })
  using turns = countTurns()
  const finished: number[] = []
  const execute = world.execute
  world.execute = async (request) => {
    finished.push(turns.now)
    return await execute(request)
  }
  const input = 'x'.repeat(300_000)
  const body = { code: 'return 1', input }
  const answers = Array.from({ length: 6 }, () => world.call('POST', '/v1/tenants/acme/execute', { body }))
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(6).fill(200))
  expect(new Set(finished).size).toBe(6)
  for (const { input: received } of world.requests) expect(JSON.parse(Buffer.from(received).toString())).toBe(input)
})

test('of a connection that is cut for sending too much at once nothing more is parsed', async () => {
  let parsed = 0
  class Counted extends IncomingMessage {
    constructor(...args: ConstructorParameters<typeof IncomingMessage>) {
      super(...args)
      parsed += 1
    }
  }
  let answered = 0
  const server = createServer(
    { IncomingMessage: Counted },
    boundPipeline(
      (_request, response) => {
        answered += 1
        response.end()
      },
      10,
      new Pace(1 << 30),
    ),
  )
  stopParsingWhatIsCut(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const flooder = connect(port, '127.0.0.1', () => flooder.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2_000)))
  flooder.on('error', () => {}).resume()
  await once(flooder, 'close')
  server.close()
  expect(answered).toBe(10)
  expect(parsed).toBeLessThanOrEqual(12)
})

test('a body that takes more than a turn’s share is read on in another turn', async () => {
  const pace = new Pace(64 << 10)
  const bodies = new BodyReader({
    sizeMax: bytes(1 << 20),
    arrivingMax: bytes(1 << 20),
    discardMax: bytes(1 << 20),
    pace,
  })
  const request = Object.assign(new PassThrough(), { headers: { 'content-type': 'application/json' } })
  const whole = bodies.collect(request as unknown as IncomingMessage)
  const chunk = Buffer.alloc(40 << 10, 'x')
  const pauses: number[] = []
  using turns = countTurns()
  request.on('pause', () => pauses.push(turns.now))
  for (let count = 0; count < 3; count += 1) request.write(chunk)
  request.end()
  expect((await whole).length).toBe(3 * chunk.length)
  expect(pauses).not.toEqual([])
})

test('what many connections ask for in one turn is answered over several, as much in each as there is room for', async () => {
  const answered: number[] = []
  using turns = countTurns()
  const listener = boundPipeline(() => answered.push(turns.now), 10, new Pace(4 * (16 << 10)))
  const requests = Array.from({ length: 20 }, () => ({ socket: { destroyed: false } }))
  for (const request of requests) listener(request as never, {} as never)
  // One that is cut while it waits is not answered.
  for (const { socket } of requests.slice(-2)) socket.destroyed = true
  while (answered.length < 18) await new Promise((resolve) => setImmediate(resolve))
  for (const [turn, inIt] of Map.groupBy(answered, (each) => each))
    expect(inIt.length, `turn ${turn}`).toBeLessThanOrEqual(4)
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  expect(answered).toHaveLength(18)
})

test('a gateway parses nothing more of a connection that it has cut', async () => {
  const world = await openGateway()
  let parsed = 0
  const count = (): void => void (parsed += 1)
  subscribe('http.server.request.start', count)
  const { port } = new URL(world.url)
  const flooder = connect(Number(port), '127.0.0.1', () =>
    flooder.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1_500)),
  )
  flooder.on('error', () => {}).resume()
  await once(flooder, 'close')
  unsubscribe('http.server.request.start', count)
  // The 64 of a turn, the one too many, and what the parser had begun.
  expect(parsed).toBeLessThanOrEqual(70)
})
