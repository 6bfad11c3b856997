import { readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Secrets } from '../../../src/broker/secrets/secrets.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { type TenantId, parseTenantId } from '../../../src/core/ids.ts'
import type { SecretsGrant } from '../../../src/core/policy.ts'
import { bytes, millis } from '../../../src/core/quantity.ts'
import type { Stores } from '../../../src/core/stores.ts'
import { openSqliteStores } from '../../../src/store/sqlite/open.ts'
import { createVault } from '../../../src/vault/vault.ts'
import { type FetchWorld, type Guest, type TestServer, echo, openFetch, openServer } from '../fetch/world.ts'

const VALUE = 'sk_live_"4242&+/=\\ü\u00ff'
const ASCII = 'sk_live_"4242&+/=\\'
const PLAIN = 'sk_live_51H8aGQ2eZvKYlo2C'
const GRANT: SecretsGrant = {
  operations: 1_000,
  secrets: 4,
  valueBytes: bytes(200),
  storedBytes: bytes(300),
  reveal: false,
}

const taken = new AsyncDisposableStack()
let directory: string
let stores: Stores
let secrets: Secrets
let world: FetchWorld
let home: TestServer
let elsewhere: TestServer
let respond: typeof echo | undefined
const ann = parseTenantId('ann') as TenantId
const bob = parseTenantId('bob') as TenantId

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cloister-secrets-'))
  taken.defer(() => rm(directory, { recursive: true }))
  stores = taken.use(
    await openSqliteStores({
      directory,
      clock: systemClock,
      synchronous: 'off',
      detailsRetention: millis(1_000),
      onFailure: () => undefined,
    }),
  )
  secrets = new Secrets({
    store: stores.secrets,
    vault: createVault('the key of the vault in tests'),
    clock: systemClock,
  })
  world = taken.use(await openFetch({ secrets: { service: secrets, grant: GRANT } }))
  home = taken.use(await openServer((request, response) => (respond ?? echo)(request, response)))
  elsewhere = taken.use(await openServer((request, response) => (respond ?? echo)(request, response)))
})
afterAll(() => taken.disposeAsync())

beforeEach(async () => {
  respond = undefined
  for (const id of [ann, bob]) {
    await stores.tenants.delete(id)
    await stores.tenants.put({
      id,
      policy: 'default',
      budget: {},
      createdAt: systemClock.now(),
      updatedAt: systemClock.now(),
    })
  }
  await secrets.put(ann, 'KEY', { value: PLAIN, hosts: [`http://127.0.0.1:${home.port}`] }, GRANT)
})

const askOf = async (guest: Guest, name: string, operation = 'ref'): Promise<any> => {
  const { text } = await guest.session.call(`secrets.${operation}`, JSON.stringify([name]))
  return JSON.parse(text)
}
const base64 = (text: string): string => Buffer.from(text).toString('base64')
/** What the server saw, read at the server: the guest's own answer is redacted. */
const bodies: string[] = []
const keep: typeof echo = (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    bodies.push(Buffer.concat(chunks).toString())
    response.end('ok')
  })
}

test('a placeholder becomes the secret in headers, URL and body, on the way to its host and nowhere before', async () => {
  using guest = world.as('ann')
  const ref = await askOf(guest, 'KEY')
  expect(ref).toMatch(/^cloister-secret\.KEY\.[0-9a-f]{32}$/)
  respond = keep
  const answer = await guest.text(`${home.origin}/bot${ref}/x?key=${ref}&n=1`, {
    method: 'POST',
    headers: [
      ['authorization', `Bearer ${ref}`],
      ['x-two', `${ref},${ref}`],
    ],
    body: base64(`{"key":"${ref}"}`),
  })
  expect(answer).toMatchObject({ status: 200, body: 'ok', url: `${home.origin}/bot${ref}/x?key=${ref}&n=1` })
  const seen = home.seen.at(-1)!
  expect(seen.url).toBe(`/bot${PLAIN}/x?key=${PLAIN}&n=1`)
  expect(seen.headers).toMatchObject({ authorization: `Bearer ${PLAIN}`, 'x-two': `${PLAIN},${PLAIN}` })
  expect(bodies.at(-1)).toBe(`{"key":"${PLAIN}"}`)
})

test('user and password of Basic are looked into, and put together again', async () => {
  using guest = world.as('ann')
  const ref = await askOf(guest, 'KEY')
  await guest.text(home.origin, { headers: [['authorization', `Basic ${base64(`me:${ref}`)}`]] })
  expect(home.seen.at(-1)!.headers.authorization).toBe(`Basic ${base64(`me:${PLAIN}`)}`)
  const untouched = `Basic ${base64('me:und dü')}`
  await guest.text(home.origin, { headers: [['authorization', untouched]] })
  expect(home.seen.at(-1)!.headers.authorization).toBe(untouched)
})

test('a body is written so that no mark in a secret ends what it stands in', async () => {
  await secrets.put(ann, 'ODD', { value: VALUE, hosts: [home.origin] }, GRANT)
  using guest = world.as('ann')
  const ref = await askOf(guest, 'ODD')
  respond = keep
  const post = async (type: string, body: string): Promise<string> => {
    await guest.text(`${home.origin}/?q=${ref}`, {
      method: 'POST',
      headers: [['content-type', type]],
      body: base64(body),
    })
    return bodies.at(-1)!
  }
  expect(JSON.parse(await post('application/problem+json; charset=utf-8', `{"a":"${ref}"}`))).toEqual({ a: VALUE })
  const form = new URLSearchParams(await post('application/x-www-form-urlencoded', `a=1&key=${ref}`))
  expect(Object.fromEntries(form)).toEqual({ a: '1', key: VALUE })
  expect(await post('text/plain', `-${ref}-`)).toBe(`-${VALUE}-`)
  expect(new URL(home.seen.at(-1)!.url!, home.origin).searchParams.get('q')).toBe(VALUE)
})

test('a body that is streamed is searched across its pieces', async () => {
  using guest = world.as('ann')
  const ref: string = await askOf(guest, 'KEY')
  respond = keep
  const text = `cloister-${ref}cloister-secret.${ref}ü cloister-secret.KEY.`
  const sending = guest.call('send', { id: 900, method: 'POST', url: home.origin, stream: true })
  for (let at = 0; at < text.length; at += 7) await guest.call('write', 900, base64(text.slice(at, at + 7)))
  await guest.call('write', 900, null)
  expect((await sending).status).toBe(200)
  expect(bodies.at(-1)).toBe(`cloister-${PLAIN}cloister-secret.${PLAIN}ü cloister-secret.KEY.`)
})

test('towards any other host the request is refused before a byte of it is sent', async () => {
  using guest = world.as('ann')
  const ref = await askOf(guest, 'KEY')
  const { connected } = world
  const refused = { code: 'EGRESS_REFUSED', message: expect.stringContaining('the secret KEY is not bound to') }
  const body = base64(`x ${ref}`)
  const tries: [string, object][] = [
    [`${elsewhere.origin}/?${ref}`, {}],
    [`http://localhost:${home.port}/`, { headers: [['x-key', ref]] }],
    [elsewhere.origin, { headers: [['authorization', `basic ${base64(`me:${ref}`)}`]] }],
    [elsewhere.origin, { method: 'POST', body }],
    [`https://127.0.0.1:${home.port}/`, { method: 'POST', body }],
    [
      `${elsewhere.origin}#${home.origin}`,
      {
        headers: [
          ['host', `127.0.0.1:${home.port}`],
          ['x', ref],
        ],
      },
    ],
  ]
  for (const [url, more] of tries) expect(await guest.get(url, more)).toMatchObject(refused)
  expect(world.connected).toBe(connected)
  const sending = guest.call('send', { id: 901, method: 'POST', url: elsewhere.origin, stream: true })
  // A piece may have been taken by the time it is looked at: the request is refused all the same.
  const written = await guest.call('write', 901, body)
  if (written !== true) expect(written).toMatchObject(refused)
  expect(await sending).toMatchObject(refused)
  expect(elsewhere.seen.map(({ url }) => url).join()).not.toContain(PLAIN)
})

test('a secret is followed through redirects to its own hosts only', async () => {
  using guest = world.as('ann')
  const ref = await askOf(guest, 'KEY')
  let target = ''
  respond = (request, response) => {
    if (request.url!.startsWith('/from')) response.writeHead(307, { location: target }).end()
    else echo(request, response)
  }
  target = `${elsewhere.origin}/to`
  const more = { method: 'POST', headers: [['x-key', ref]], body: base64(ref) }
  const before = elsewhere.seen.length
  expect(await guest.get(`${home.origin}/from`, more)).toMatchObject({ code: 'EGRESS_REFUSED' })
  // The server itself puts the secret into the address: it is a placeholder again by then.
  target = `${elsewhere.origin}/to?stolen=${PLAIN}`
  expect(await guest.get(`${home.origin}/from`)).toMatchObject({ code: 'EGRESS_REFUSED' })
  expect(elsewhere.seen.length).toBe(before)
  target = `/to?key=${PLAIN}`
  const back = await guest.text(`${home.origin}/from`, more)
  expect(back).toMatchObject({ redirected: true, url: `${home.origin}/to?key=${ref}` })
  expect(home.seen.at(-1)!.headers['x-key']).toBe(PLAIN)
})

test('what a host gives back of a secret is the placeholder again, in the head and in the body', async () => {
  await secrets.put(ann, 'ODD', { value: ASCII, hosts: [home.origin] }, GRANT)
  using guest = world.as('ann')
  const [key, odd] = [await askOf(guest, 'KEY'), await askOf(guest, 'ODD')]
  const echoed = await guest.text(`${home.origin}/?a=${odd}`, {
    method: 'POST',
    headers: [
      ['authorization', `Basic ${base64(`me:${key}`)}`],
      ['x-key', key],
      ['content-type', 'application/json'],
    ],
    body: base64(`{"odd":"${odd}"}`),
  })
  expect(echoed.body).toContain(`"x-key":"${key}"`)
  respond = (_, response) => {
    response.writeHead(200, `Hi ${PLAIN}`, {
      'x-key': [`a ${PLAIN}`, `b ${base64(PLAIN)}`],
      'set-cookie': `k=${encodeURIComponent(ASCII)}`,
    })
    for (const character of `${PLAIN} ${ASCII} ${base64(PLAIN)}`) response.write(character)
    response.end()
  }
  const plain = await guest.text(home.origin)
  respond = (_, response) => {
    response.setHeader('content-encoding', 'gzip')
    const all = gzipSync(
      `${PLAIN} ${ASCII} ${JSON.stringify(ASCII)} ${base64(`:${PLAIN}`)} ${encodeURIComponent(ASCII)}`,
    )
    response.write(all.subarray(0, 20))
    response.end(all.subarray(20))
  }
  const zipped = await guest.text(home.origin)
  expect(zipped.body).toMatch(new RegExp(`^${key} ${odd} "${odd}" \\S*${key}\\S* ${odd}$`))
  const all = JSON.stringify([echoed, plain, zipped])
  for (const part of ['sk_live_', base64(PLAIN).slice(2, -4), encodeURIComponent(ASCII), '4242']) {
    expect(all).not.toContain(part)
  }
  // What was never sent there is not looked for: what is kept back would tell how it begins.
  respond = (_, response) => void response.end(PLAIN)
  expect((await guest.text(elsewhere.origin)).body).toBe(PLAIN)
})

test('a secret that was changed in the middle of a run is taken out in both of its values', async () => {
  using guest = world.as('ann')
  const ref = await askOf(guest, 'KEY')
  await secrets.put(ann, 'KEY', { value: 'another-value-42', hosts: [home.origin] }, GRANT)
  respond = (request, response) => void response.end(`${request.headers['x-key']} another-value-42`)
  expect((await guest.text(home.origin, { headers: [['x-key', ref]] })).body).toBe(`${ref} ${ref}`)
  expect(home.seen.at(-1)!.headers['x-key']).toBe(PLAIN)
  await secrets.delete(ann, 'KEY')
  expect(await askOf(guest, 'KEY')).toMatchObject({ code: 'NOT_FOUND' })
})

test('a placeholder means nothing in another run, of the same tenant or of another one, and after its own', async () => {
  let ref: string
  {
    using guest = world.as('ann')
    ref = await askOf(guest, 'KEY')
    using later = world.as('ann')
    const refusal = { code: 'EGRESS_REFUSED', message: expect.stringContaining('not of this run') }
    expect(await later.get(home.origin, { headers: [['x', ref]] })).toMatchObject(refusal)
    await askOf(later, 'KEY')
    expect(await later.get(home.origin, { headers: [['x', ref]] })).toMatchObject(refusal)
    using stranger = world.as('bob')
    expect(await stranger.get(home.origin, { headers: [['x', ref]] })).toMatchObject(refusal)
    expect(await askOf(stranger, 'KEY')).toMatchObject({ code: 'NOT_FOUND' })
    guest.session[Symbol.dispose]()
    expect(await askOf(guest, 'KEY')).toMatchObject({ code: 'RUN_OVER' })
    expect(await guest.get(home.origin, { headers: [['x', ref]] })).toMatchObject({ code: 'RUN_OVER' })
  }
})

test('no secret breaks out of its header, and no request holds placeholders without bound', async () => {
  await secrets.put(ann, 'LINES', { value: 'first\r\nx-evil: 1', hosts: [home.origin] }, GRANT)
  using guest = world.as('ann')
  const [lines, key] = [await askOf(guest, 'LINES'), await askOf(guest, 'KEY')]
  const broken = await guest.get(home.origin, { headers: [['x', lines]] })
  expect(broken).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.not.stringContaining('evil') })
  const many = await guest.get(home.origin, { method: 'POST', body: base64(key.repeat(101)) })
  expect(many).toMatchObject({ code: 'INVALID_ARGUMENT', message: 'a request may have 100 placeholders of secrets' })
  using small = world.as('ann', world.grant({ requestBytes: bytes(60) }))
  await secrets.put(ann, 'LONG', { value: 'x'.repeat(100), hosts: [home.origin] }, GRANT)
  const long = await askOf(small, 'LONG')
  expect(await small.get(home.origin, { method: 'POST', body: base64(long) })).toMatchObject({
    code: 'REQUEST_TOO_LARGE',
  })
})

test('the value itself is given to no code whose policy does not say so', async () => {
  using guest = world.as('ann')
  expect(await askOf(guest, 'KEY', 'reveal')).toMatchObject({ code: 'NOT_GRANTED' })
  const free = await openFetch({ secrets: { service: secrets, grant: { ...GRANT, reveal: true } } })
  await using _ = free
  using trusted = free.as('ann')
  expect(await askOf(trusted, 'KEY', 'reveal')).toBe(PLAIN)
  expect(await askOf(trusted, 'NO_SUCH', 'reveal')).toMatchObject({ code: 'NOT_FOUND' })
  for (const odd of ['key', '', 'A'.repeat(64), '../KEY']) {
    expect(await askOf(guest, odd)).toMatchObject({ code: 'INVALID_ARGUMENT' })
  }
})

test('what is stored has no plain text in it, and opens for its tenant, name and hosts only', async () => {
  await stores.tenants.put({
    id: ann,
    policy: 'default',
    budget: {},
    createdAt: systemClock.now(),
    updatedAt: systemClock.now(),
  })
  const files = readdirSync(directory).map((name) => readFileSync(join(directory, name)))
  expect(files.some((file) => file.includes('"http://127.0.0.1:'))).toBe(true)
  for (const text of [PLAIN, base64(PLAIN).slice(0, 30), Buffer.from(PLAIN).toString('hex')]) {
    expect(files.some((file) => file.includes(text))).toBe(false)
  }
  const record = (await stores.secrets.find(ann, 'KEY'))!
  const moved = [
    { ...record, tenant: bob },
    { ...record, name: 'OTHER' },
    { ...record, hosts: [elsewhere.origin] },
  ]
  for (const { tenant, name, hosts } of moved) {
    await stores.secrets.put({ ...record, tenant, name, hosts }, GRANT)
    await expect(secrets.open(tenant, name)).rejects.toMatchObject({ code: 'INTERNAL' })
  }
})

test('a tenant’s secrets are bounded, and go with the tenant', async () => {
  const put = (name: string, value = 'x'.repeat(20)) => secrets.put(ann, name, { value, hosts: ['a.example'] }, GRANT)
  for (const name of ['B', 'C', 'D']) expect((await put(name)).created).toBe(true)
  expect((await put('D')).created).toBe(false)
  await expect(put('E')).rejects.toMatchObject({
    code: 'QUOTA_EXCEEDED',
    message: expect.stringContaining('4 secrets'),
  })
  await put('C', 'x'.repeat(200))
  await expect(put('D', 'x'.repeat(200))).rejects.toMatchObject({
    code: 'QUOTA_EXCEEDED',
    message: expect.stringContaining('300 bytes'),
  })
  await stores.tenants.delete(ann)
  expect(await secrets.list(ann)).toEqual([])
  await expect(put('B')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('every fault of a secret is told at once, and none repeats the value', async () => {
  const hosts = ['*', 'https://a.example/path', 'user:pw@a.example', '*.com', 'a b', '', '*.1.2.3.4', '[::1']
  const refusal = await secrets.put(ann, 'BAD', { value: 'short', hosts }, GRANT).catch((error: Error) => error.message)
  for (const index of hosts.keys()) expect(refusal).toContain(`\`hosts[${index}]\` must`)
  expect(refusal).toContain('`value` has 5 bytes; a secret has at least 8')
  expect(refusal).not.toContain('short')
  const texts = [
    'API.Example.com.',
    'api.example.com',
    'https://*.Example.com:443',
    'ä.example:8443',
    'HTTP://[::1]:80',
    '0x7f.1',
  ]
  const { secret } = await secrets.put(ann, 'GOOD', { value: 'long enough', hosts: texts }, GRANT)
  expect(secret.hosts).toEqual([
    'api.example.com',
    '*.example.com',
    'xn--4ca.example:8443',
    'http://[::1]',
    '127.0.0.1',
  ])
})
