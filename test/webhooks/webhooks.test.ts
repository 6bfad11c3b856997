import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { epochMillis, millis } from '../../src/core/quantity.ts'
import type { Delivery, Post, SpendNotice } from '../../src/core/webhooks.ts'
import { type SqliteStores, openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { createVault } from '../../src/vault/vault.ts'
import { ATTEMPTS_MAX } from '../../src/webhooks/retry.ts'
import { Webhooks } from '../../src/webhooks/webhooks.ts'
import { tenantId } from '../store/samples.ts'

const START = Date.parse('2026-03-04T12:00:00Z')
const vault = createVault('a key of the tests alone')
const clock = { at: START, now: () => epochMillis(clock.at), elapsed: () => millis(clock.at) }
const log = { error: (fields: object) => expect.unreachable(JSON.stringify(fields)) }

let stores: SqliteStores
beforeAll(async () => {
  stores = await openTemporaryStores({ clock })
})
afterAll(() => stores[Symbol.asyncDispose]())

type Answer = (post: Post) => number | Error

/** A host over the same store, whose requests are answered as given. */
function host(answer: Answer): Webhooks & { readonly posts: Post[] } {
  const posts: Post[] = []
  const send = async (post: Post): Promise<number> => {
    posts.push(post)
    const answered = answer(post)
    if (answered instanceof Error) throw answered
    return answered
  }
  const webhooks = new Webhooks({ store: stores.webhooks, vault, send, clock, random: () => 1, log })
  return Object.assign(webhooks, { posts })
}

let count = 0
/** A tenant of its own for each test. */
async function newTenant(): Promise<ReturnType<typeof tenantId>> {
  const id = tenantId(`t${(count += 1)}`)
  await stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: clock.now(), updatedAt: clock.now() })
  return id
}

const HOOK = { url: 'https://example.com/hook?a=1', events: ['budget.warning'], reach: 'public' } as const

function warning(tenant: SpendNotice['tenant'], percent: 50 | 80 | 100, period = '2026-03'): SpendNotice {
  return { type: 'budget.warning', tenant, period, measure: 'units', percent, limit: '10' }
}

async function settled(
  webhooks: Webhooks,
  tenant: SpendNotice['tenant'],
  wanted: Partial<Delivery>,
): Promise<Delivery> {
  return await vi.waitFor(
    async () => {
      const [last] = await webhooks.deliveries(tenant, 'alerts')
      expect(last).toMatchObject(wanted)
      return last!
    },
    { timeout: 30_000, interval: 5 },
  )
}

test('a notice is posted once, signed with the secret that was told once', async () => {
  const tenant = await newTenant()
  await using webhooks = host(() => 204)
  const { secret } = await webhooks.put(tenant, 'alerts', HOOK)
  expect((await webhooks.put(tenant, 'alerts', HOOK)).secret).toBeUndefined()
  webhooks.notify(warning(tenant, 50))
  webhooks.notify({ type: 'spend.anomaly', tenant, hour: '2026-03-04T11:00:00.000Z', usd: '3.00', times: 12 })
  await settled(webhooks, tenant, { state: 'delivered', attempts: 1, error: undefined })
  // A restart tells the same again.
  webhooks.notify(warning(tenant, 50))
  await stores.ledger.tryWrite()
  expect(await webhooks.deliveries(tenant, 'alerts')).toHaveLength(1)
  const [{ url, headers, body }] = webhooks.posts as [Post]
  expect(url).toBe(HOOK.url)
  expect(JSON.parse(body)).toEqual({
    type: 'budget.warning',
    timestamp: '2026-03-04T12:00:00.000Z',
    data: { tenant, period: '2026-03', measure: 'units', percent: 50, limit: '10' },
  })
  const id = headers['webhook-id']
  expect(id).toMatch(/^evt_[0-9a-f]{32}$/)
  expect(headers['webhook-timestamp']).toBe(String(START / 1_000))
  const key = Buffer.from(secret!.replace('whsec_', ''), 'base64')
  expect(key).toHaveLength(32)
  const mac = createHmac('sha256', key)
    .update(`${id}.${START / 1_000}.${body}`)
    .digest('base64')
  expect(headers['webhook-signature']).toBe(`v1,${mac}`)
  // What is stored opens only where it belongs.
  const record = await stores.webhooks.find(tenant, 'alerts')
  expect(record?.sealed).not.toContain(secret)
})

test('what is not taken is tried again after doubling waits, also by the next host, and given up in the end', async () => {
  const tenant = await newTenant()
  const waits: number[] = []
  {
    await using webhooks = host(() => new Error('the server takes no connection'))
    await webhooks.put(tenant, 'alerts', HOOK)
    webhooks.notify(warning(tenant, 80))
    const first = await settled(webhooks, tenant, { attempts: 1, error: 'the server takes no connection' })
    waits.push(first.at - clock.at)
    clock.at = first.at
  }
  // Only what is stored is left.
  await using webhooks = host(() => 500)
  webhooks.start()
  for (let attempts = 2; attempts < ATTEMPTS_MAX; attempts += 1) {
    const next = await settled(webhooks, tenant, { attempts, state: 'waiting', error: 'the endpoint answered 500' })
    waits.push(next.at - clock.at)
    clock.at = next.at
    webhooks.start()
  }
  await settled(webhooks, tenant, { attempts: ATTEMPTS_MAX, state: 'failed' })
  expect(webhooks.posts).toHaveLength(ATTEMPTS_MAX - 1)
  expect(waits.slice(0, 4)).toEqual([5_000, 10_000, 20_000, 40_000])
  expect(Math.max(...waits)).toBe(3_600_000)
})

test('an endpoint that is gone is not asked again', async () => {
  const tenant = await newTenant()
  await using webhooks = host(() => 410)
  await webhooks.put(tenant, 'alerts', HOOK)
  webhooks.notify(warning(tenant, 100))
  await settled(webhooks, tenant, { state: 'failed', attempts: 1, error: 'the endpoint answered 410' })
})

test('a webhook has a hundred deliveries at most, and those that wait stay', async () => {
  const tenant = await newTenant()
  await using webhooks = host(() => 500)
  await webhooks.put(tenant, 'alerts', HOOK)
  webhooks.notify(warning(tenant, 50, 'first'))
  await settled(webhooks, tenant, { attempts: 1 })
  for (let each = 0; each < 150; each += 1) webhooks.notify(warning(tenant, 50, `p${each}`))
  await stores.ledger.tryWrite()
  expect(await webhooks.deliveries(tenant, 'alerts')).toHaveLength(100)
})

test('a tenant has ten webhooks at most, and each of them goes with it', async () => {
  const tenant = await newTenant()
  await using webhooks = host(() => 200)
  for (let each = 0; each < 10; each += 1) await webhooks.put(tenant, `w${each}`, HOOK)
  await expect(webhooks.put(tenant, 'more', HOOK)).rejects.toMatchObject({ code: 'CONFLICT' })
  await stores.tenants.delete(tenant)
  expect(await webhooks.list(tenant)).toEqual([])
})

test.each([
  ['http://example.com/', 'public', 'must begin with https://'],
  ['ftp://example.com/', 'any', 'must begin with https://'],
  ['https://ann:secret@example.com/', 'any', 'must not hold a name or a password'],
  ['https://example.com/#x', 'public', 'must not have a fragment'],
  ['nowhere', 'any', 'is not a URL'],
  [`https://example.com/${'x'.repeat(2_048)}`, 'public', 'has 2068 characters; at most 2048 are allowed'],
] as const)('%s is refused (%s): it %s', async (url, reach, fault) => {
  await using webhooks = host(() => 200)
  const put = webhooks.put(tenantId('nobody'), 'alerts', { ...HOOK, url, reach })
  await expect(put).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: `\`url\` ${fault}` })
})
