import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseTenantId } from '../../src/core/ids.ts'
import { QUEUES, type StorageWorld, openStorage } from './storage-world.ts'

let world: StorageWorld
let tenants = 0
beforeAll(async () => {
  world = await openStorage(Array.from({ length: 20 }, (_, index) => `t${index}`))
})
afterAll(() => world[Symbol.asyncDispose]())

const fresh = (grant = QUEUES) => world.as(`t${tenants++}`, { queues: grant })
const mine = () => parseTenantId(`t${tenants - 1}`)!

test('a message that was sent is in the queue, as JSON, with its delay and its key', async () => {
  const queues = fresh()
  const options = { delaySeconds: 60, orderingKey: 'ann', deduplicationId: 'once' }
  const { value } = await queues('queues.send', 'mail', { to: 'ann' }, options)
  expect(value).toEqual({ id: expect.stringMatching(/^msg_[0-9a-f]{26}$/), duplicate: false })
  expect(await queues('queues.send', 'mail', 'again', options)).toEqual({ value: { id: value.id, duplicate: true } })
  const [message] = await world.stores.queues.peek(mine(), 'mail', { limit: 10 })
  expect(message).toMatchObject({ id: value.id, body: '{"to":"ann"}', orderingKey: 'ann', attempts: 0 })
  expect(message!.visibleAt - message!.sentAt).toBe(60_000)
})

test('many messages go in one call, all or none, and count one each', async () => {
  const queues = fresh()
  const messages = Array.from({ length: 100 }, (_, n) => ({ body: n }))
  expect((await queues('queues.sendMany', 'q', messages)).value).toHaveLength(100)
  expect((await queues('queues.sendMany', 'q', messages)).value).toHaveLength(100)
  expect((await queues('queues.sendMany', 'q', [{ body: 1 }])).message).toBe(
    'a tenant may keep 200 messages (capabilities.queues.messages)',
  )
  expect(queues.session.operations).toEqual({ 'queues.sendMany': 201 })
  expect(await world.stores.queues.stored(mine())).toMatchObject({ messages: 200 })
})

test('quotas refuse in words that name the field', async () => {
  const queues = fresh()
  for (const name of ['a', 'b', 'c']) await queues('queues.send', name, 1)
  expect((await queues('queues.send', 'd', 1)).message).toContain('capabilities.queues.queues')
  const small = fresh({ ...QUEUES, storedBytes: 20 as never })
  await small('queues.send', 'q', 'x'.repeat(18))
  expect((await small('queues.send', 'q', 1)).message).toContain('capabilities.queues.storedBytes')
})

test.each([
  [['send', 5, 1], 'queue must be a string'],
  [['send', '', 1], 'queue must be 1 to 64 of A-Z, a-z, 0-9, _ and -, a letter or digit first'],
  [['send', '../x', 1], 'queue must be 1 to 64 of A-Z, a-z, 0-9, _ and -, a letter or digit first'],
  [['send', 'q'], 'body must be JSON; it is undefined'],
  [['send', 'q', 'x'.repeat(63)], 'body has 65 bytes as JSON; at most 64 are allowed'],
  [['send', 'q', 1, { delaySeconds: -1 }], 'options.delaySeconds must be a number from 0 to 43200'],
  [['send', 'q', 1, { delaySeconds: 43_201 }], 'options.delaySeconds must be a number from 0 to 43200'],
  [['send', 'q', 1, { deduplicationId: '' }], 'options.deduplicationId must be a string that is not empty'],
  [['send', 'q', 1, { orderingKey: 'x'.repeat(129) }], 'options.orderingKey has 129 bytes; at most 128 are allowed'],
  [['send', 'q', 1, { delay: 1 }], 'options.delay is not known; there is delaySeconds, deduplicationId, orderingKey'],
  [['sendMany', 'q', []], 'messages must be a list of 1 to 100 messages'],
  [['sendMany', 'q', Array.from({ length: 101 }, () => ({ body: 1 }))], 'messages must be a list of 1 to 100 messages'],
  [['sendMany', 'q', [{ body: 1 }, 5]], 'messages[1] must be an object with body'],
  [
    ['sendMany', 'q', [{ body: 1, x: 1 }]],
    'messages[0].x is not known; there is body, delaySeconds, deduplicationId, orderingKey',
  ],
])('%j is refused', async ([operation, ...args], message) => {
  expect(await world.as('t19')(`queues.${String(operation)}`, ...args)).toEqual({ code: 'INVALID_ARGUMENT', message })
})

test('whatever the arguments are, a call is answered or refused, and never a fault of the host', async () => {
  const queues = fresh()
  const value = fc.jsonValue({ maxDepth: 3 })
  const message = fc.record(
    { body: value, delaySeconds: fc.oneof(fc.double(), value), orderingKey: fc.string() },
    { requiredKeys: [] },
  )
  const args = fc.oneof(
    fc.tuple(fc.constantFrom('q', 'r', '__proto__'), fc.oneof(value, fc.array(message)), fc.oneof(message, value)),
    fc.array(value, { maxLength: 4 }),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('send', 'sendMany'), args, async (name, given) => {
      const { code } = await queues(`queues.${name}`, ...given)
      expect([undefined, 'INVALID_ARGUMENT', 'QUOTA_EXCEEDED']).toContain(code)
    }),
    { numRuns: 300 },
  )
  expect(world.faults).toEqual([])
})
