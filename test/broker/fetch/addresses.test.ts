import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Reach } from '../../../src/broker/egress/addresses.ts'
import { type FetchWorld, type TestServer, openFetch, openServer } from './world.ts'

/** Nothing private is granted here: whatever leads to this machine, or to any address that is not public, must be refused. */
let world: FetchWorld
let server: TestServer
beforeAll(async () => {
  world = await openFetch()
  server = await openServer(undefined, '::')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

const LITERALS = `
  127.0.0.1 127.1 127.0.1 127.000.000.001 0177.0.0.1 0x7f.0.0.1 0x7f.1 0x7F000001 2130706433
  017700000001 0177.0.0.01 00000177.1 127.255.255.254 127.0.0.1. 0x7f000001. 2130706433. 0 0.0.0.0
  %31%32%37.0.0.1 127%2e0%2e0%2e1 %30x7f.1 １２７．０．０．１ 127。0。0。1 127．1 ①②⑦.⓪.⓪.① 𝟏𝟐𝟕.𝟎.𝟎.𝟏 [::1]
  [0:0:0:0:0:0:0:1] [0000::0001] [::] [::127.0.0.1] [::7f00:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:1] [::ffff:0:127.0.0.1]
  [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2002:7f00:0001::1] [2001:0:7f00:1::] [2001::1] [2001:2::1] [2001:10::1]
  [2001:db8::1] [3fff::1] [fe80::1] [febf::1] [fec0::1] [fc00::1] [fd00:ec2::254] [ff02::1] [100::1]
  [5f00::1] 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 168.63.129.16 169.254.0.1 169.254.169.254
  0xA9FEA9FE 2852039166 0251.0376.0251.0376 169.254.170.2 169.254.170.23 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192
  192.0.2.1 192.88.99.1 192.168.0.1 192.168.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
  239.255.255.255 240.0.0.1 255.255.255.255 4294967295`
  .trim()
  .split(/\s+/)

const NOT_HOSTS = [
  '[fe80::1%25eth0]',
  '[::1%251]',
  '[fe80::1%eth0]',
  '127.0.0.1%00.example',
  '1.2.3.4.5',
  '256.256.256.256',
  '0x100000000',
  '[::1',
  '',
]

test(`${LITERALS.length} spellings of addresses that are not public are refused, and nothing is connected to`, async () => {
  using guest = world.as('ann', world.grant({ privateRanges: [] }))
  const before = world.connected
  for (const host of LITERALS) {
    expect(await guest.get(`http://${host}:${server.port}/`), host).toMatchObject({ code: 'EGRESS_REFUSED' })
  }
  expect(world.connected - before).toBe(0)
  expect(server.connections).toBe(0)
})

test('what is no host is no address either', async () => {
  using guest = world.as('ann', world.grant({ privateRanges: [] }))
  for (const host of NOT_HOSTS) {
    expect(await guest.get(`http://${host}:${server.port}/`), host).toMatchObject({ code: 'INVALID_ARGUMENT' })
  }
  expect(server.connections).toBe(0)
})

test('a name is as good as its worst address, and the refusal does not say what that is', async () => {
  using guest = world.as('ann', world.grant({ privateRanges: [] }))
  const before = world.connected
  const bad = [
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    'fe80::1%lo',
    '169.254.169.254',
    '10.1.2.3',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    '127.1',
    '0177.0.0.1',
    'nonsense',
    '',
  ]
  for (const [index, address] of bad.entries()) {
    const name = `name${index}.example`
    world.names.set(name, [
      [
        { address: '93.184.215.14', family: 4 },
        { address, family: address.includes(':') ? 6 : 4 },
      ],
    ])
    const { code, message } = await guest.get(`http://${name}:${server.port}/`)
    expect([address, code]).toEqual([address, 'EGRESS_REFUSED'])
    if (address !== '') expect(message).not.toContain(address)
  }
  for (const name of ['localhost', 'localhost.', 'LOCALHOST', 'a.localhost', '127.0.0.1.nip.example']) {
    expect(await guest.get(`http://${name}:${server.port}/`), name).toMatchObject({ code: 'EGRESS_REFUSED' })
  }
  expect(world.connected - before).toBe(0)
})

test('what was checked is what is connected to, whatever the name says a moment later', async () => {
  const grant = world.grant({ privateRanges: ['127.0.0.2/32'] })
  using guest = world.as('ann', grant)
  // The server can be reached by both; the operator allows only the first.
  const answers = [[{ address: '127.0.0.2', family: 4 as const }], [{ address: '127.0.0.1', family: 4 as const }]]
  world.names.set('rebind.example', answers)
  expect(await guest.get(`http://rebind.example:${server.port}/`)).toMatchObject({ status: 200 })
  expect(answers).toHaveLength(1)
  const before = server.connections
  using other = world.as('bob', grant)
  expect(await other.get(`http://rebind.example:${server.port}/`)).toMatchObject({ code: 'EGRESS_REFUSED' })
  expect(server.connections).toBe(before)
  for (const { socket } of server.seen) expect(socket.localAddress).toMatch(/127\.0\.0\.2$/)
})

test('a range of the operator’s is reached, and nothing beside it', async () => {
  using guest = world.as('ann', world.grant({ privateRanges: ['127.0.0.1/32'] }))
  expect(await guest.get(`http://127.0.0.1:${server.port}/`)).toMatchObject({ status: 200 })
  expect(await guest.get(`http://127.0.0.2:${server.port}/`)).toMatchObject({ code: 'EGRESS_REFUSED' })
  expect(await guest.get(`http://[::ffff:127.0.0.1]:${server.port}/`)).toMatchObject({ code: 'EGRESS_REFUSED' })
  using six = world.as('ann', world.grant({ privateRanges: ['::1/128'] }))
  expect(await six.get(`http://[::1]:${server.port}/`)).toMatchObject({ status: 200 })
  expect(await six.get(`http://127.0.0.1:${server.port}/`)).toMatchObject({ code: 'EGRESS_REFUSED' })
})

test('public addresses are within reach, of both kinds', () => {
  const reach = new Reach([])
  for (const address of [
    '1.1.1.1',
    '8.8.8.8',
    '93.184.215.14',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.0.1',
    '172.32.0.1',
    '2606:4700::1111',
    '2a00:1450:4001::200e',
    '2001:4860:4860::8888',
  ]) {
    expect([address, reach.has(address)]).toEqual([address, true])
  }
})

test('an address is public or not whatever its spelling', () => {
  const reach = new Reach([])
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
      // Within IPv6 an IPv4 address is never public, wherever it is put.
      const hex = [(a << 8) | b, (c << 8) | d].map((part) => part.toString(16)).join(':')
      for (const inside of [`::ffff:${address}`, `::${hex}`, `64:ff9b::${hex}`, `2002:${hex}::`, `2001:0:${hex}::1`]) {
        expect([inside, reach.has(inside)]).toEqual([inside, false])
      }
    }),
    { numRuns: 200 },
  )
  fc.assert(fc.property(fc.string(), (text) => void reach.has(text)))
})
