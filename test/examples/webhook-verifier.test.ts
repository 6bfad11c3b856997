import { fileURLToPath } from 'node:url'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sign } from '../../examples/webhook-verifier/sign.ts'
import { expectBill, expectUsage } from '../e2e/independent-bill.ts'
import { type Example, TENANT, openExample } from './example.ts'

// The key and the first delivery are those of the Standard Webhooks specification.
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const PUBLISHED = {
  headers: {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  },
  body: '{"test": 2432232314}',
}
const BODY = '{"type":"invoice.paid","data":{"amount":"€ 12,50","note":"日本 🎁"}}'
const setUp = fileURLToPath(new URL('../../examples/webhook-verifier/set-up.js', import.meta.url))
const now = (): number => Math.floor(Date.now() / 1_000)
const refused = (reason: string) => ({ accepted: false, reason })

let example: Example
beforeAll(async () => {
  example = await openExample('webhook-verifier')
})
afterAll(() => example[Symbol.asyncDispose]())

test('over HTTP it accepts what is genuine, once, and nothing else', async () => {
  const answers: any[] = []
  const verdict = async (delivery: unknown): Promise<unknown> => {
    const { body } = await example.post(delivery)
    expect(body).toMatchObject({ status: 'ok' })
    answers.push(body)
    return body.result
  }
  expect(await verdict(PUBLISHED)).toEqual(refused('not-set-up'))
  const install = await example.server.run(TENANT, { code: readFileSync(setUp, 'utf8'), input: { secret: SECRET } })
  expect(install.body).toMatchObject({ result: { keyBytes: 24 }, usage: { operations: { 'kv.put': 1 } } })
  answers.push(install.body)

  // That it is too old is said only of a genuine one: the published signature is right.
  expect(await verdict(PUBLISHED)).toEqual(refused('too-old'))
  expect(await verdict({ ...PUBLISHED, body: '{"test": 2432232315}' })).toEqual(refused('wrong-signature'))
  const genuine = sign(SECRET, 'msg_1', BODY)
  expect(await verdict(genuine)).toEqual({ accepted: true, event: JSON.parse(BODY) })
  expect(answers.at(-1).usage.operations).toEqual({ 'kv.get': 1, 'kv.compareAndSet': 1 })
  expect(await verdict(genuine)).toEqual(refused('seen-before'))
  expect(answers.at(-1).logs).toEqual([{ level: 'warn', message: 'webhook refused: seen-before' }])

  expect(await verdict(sign(SECRET, 'msg_2', BODY, now() - 310))).toEqual(refused('too-old'))
  expect(await verdict(sign(SECRET, 'msg_2', BODY, now() + 320))).toEqual(refused('from-the-future'))
  expect(await verdict(sign('whsec_AAAA', 'msg_2', BODY))).toEqual(refused('wrong-signature'))
  const { headers, body } = sign(SECRET, 'msg_2', BODY)
  expect(await verdict({ headers: { ...headers, 'webhook-id': 'msg_3' }, body })).toEqual(refused('wrong-signature'))
  expect(await verdict({ headers: {}, body })).toEqual(refused('malformed'))
  const rotated = { ...headers, 'webhook-signature': `v1,AAAA v1a,x not-base64 ${headers['webhook-signature']}` }
  expect(await verdict({ headers: rotated, body })).toEqual({ accepted: true, event: JSON.parse(BODY) })

  const usages = answers.map(({ usage }) => usage)
  for (const usage of usages) expectUsage(usage)
  await expectBill(example.server, TENANT, usages)
})

test('of many deliveries of one webhook at the same moment, one is accepted', async () => {
  const delivery = sign(SECRET, 'msg_race', BODY)
  const answers = await Promise.all(Array.from({ length: 20 }, () => example.post(delivery)))
  const results = answers.map(({ body }) => body.result)
  expect(results.filter(({ accepted }) => accepted)).toHaveLength(1)
  expect(results.filter(({ reason }) => reason === 'seen-before')).toHaveLength(19)
})

test('by the command line the ids that were seen outlive the process', async () => {
  const installed = await example.cloister(
    'run',
    setUp,
    '--tenant',
    TENANT,
    '--input',
    `{"secret":"${SECRET}"}`,
    '--json',
  )
  expect(installed.code).toBe(0)
  const delivery = sign(SECRET, 'msg_1', BODY)
  const first = await example.run(delivery)
  expect(first).toMatchObject({ exit: 0, answer: { result: { accepted: true, event: JSON.parse(BODY) } } })
  const second = await example.run(delivery)
  expect(second).toMatchObject({ exit: 0, answer: { result: refused('seen-before') } })
  const usages = [JSON.parse(installed.stdout).usage, first.answer.usage, second.answer.usage]
  for (const usage of usages) expectUsage(usage)
  await example.expectPrintedBill(usages)
})
