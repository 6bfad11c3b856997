import { expect, test } from 'vitest'
import { CRYPTO } from '../../../src/cell/native/crypto.ts'
import { Handles } from '../../../src/cell/native/handles.ts'

/** What a realm whose guest has taken over the web's half of the boundary can do: call operations with anything. */
function openRealm() {
  const handles = new Handles()
  const ask = async (operation: string, request: unknown, ...cargo: unknown[]): Promise<unknown> =>
    await CRYPTO[`crypto.${operation}`]!([JSON.stringify(request), ...cargo], handles, () => true)
  return {
    ask,
    call: (operation: string, ...args: unknown[]) => CRYPTO[`crypto.${operation}`]!(args, handles, () => true),
    fault: (operation: string, request: unknown, ...cargo: unknown[]): Promise<unknown> =>
      ask(operation, request, ...cargo).then(
        () => 'none',
        (error: Error) => error.name,
      ),
    /** The one key that a generation gives, as it is sealed. */
    async key(algorithm: object, ...usages: string[]): Promise<Uint8Array> {
      const packed = (await ask('generateKey', { algorithm, extractable: false, usages })) as Uint8Array
      const head = new DataView(packed.buffer, packed.byteOffset).getUint32(0)
      return packed.subarray(4 + head)
    },
  }
}

const MAC = { name: 'HMAC', hash: 'SHA-256' }
const GCM = { name: 'AES-GCM', length: 128 }
const data = new Uint8Array(10)

test('a key that was sealed for one realm opens in no other, and no altered one opens at all', async () => {
  const [mine, other] = [openRealm(), openRealm()]
  const key = await mine.key(MAC, 'sign')
  expect(mine.call('signNow', key, data)).toHaveLength(32)
  expect(() => other.call('signNow', key, data)).toThrow('none of this realm')
  for (const place of [0, 12, 20, key.length - 1]) {
    const altered = Uint8Array.from(key)
    altered[place]! ^= 1
    expect(() => mine.call('signNow', altered, data), `byte ${place}`).toThrow('none of this realm')
  }
  for (const length of [0, 1, 27, 28, key.length - 1]) {
    expect(() => mine.call('signNow', key.slice(0, length), data), `${length} bytes`).toThrow('none of this realm')
  }
})

test('a key still opens when many others were used since', async () => {
  const realm = openRealm()
  const key = await realm.key(MAC, 'sign')
  const before = realm.call('signNow', key, data)
  for (let index = 0; index < 100; index += 1) await realm.key(MAC, 'sign')
  expect(realm.call('signNow', key, data)).toEqual(before)
})

test('what a key may be used for is kept by the cell, whatever is asked', async () => {
  const realm = openRealm()
  const mac = await realm.key(MAC, 'verify')
  expect(() => realm.call('signNow', mac, data)).toThrow('not for sign')
  expect(await realm.fault('sign', { algorithm: { name: 'HMAC' }, key: { at: 0 }, data: { at: 1 } }, mac, data)).toBe(
    'InvalidAccessError',
  )
  expect(await realm.fault('exportKey', { format: 'raw', key: { at: 0 } }, mac)).toBe('InvalidAccessError')
  const secret = await realm.key(GCM, 'encrypt')
  expect(() => realm.call('signNow', secret, data)).toThrow('not for sign')
})

const KEY = { at: 0 }
const sign = { algorithm: { name: 'RSA-PSS', saltLength: 2 ** 31 }, key: KEY, data: KEY }
const gcm = { name: 'AES-GCM', iv: KEY }

test.each<[string, string, unknown]>([
  ['no object', 'encrypt', null],
  ['an algorithm that is a list', 'encrypt', { algorithm: ['AES-GCM'], key: KEY, data: KEY }],
  [
    'an algorithm named by what every object has',
    'encrypt',
    { algorithm: { name: 'constructor' }, key: KEY, data: KEY },
  ],
  ['bytes at a place where there are none', 'encrypt', { algorithm: gcm, key: { at: 7 }, data: KEY }],
  ['bytes at no whole place', 'encrypt', { algorithm: gcm, key: { at: 0.5 }, data: KEY }],
  ['a text where bytes belong', 'encrypt', { algorithm: { name: 'AES-GCM', iv: 'text' }, key: KEY, data: KEY }],
  ['bytes that are no key', 'encrypt', { algorithm: gcm, key: KEY, data: KEY }],
  ['a salt that is too long', 'sign', sign],
  ['a length that is no number', 'generateKey', { algorithm: { name: 'AES-GCM', length: '128' }, usages: ['encrypt'] }],
  ['a curve of another name', 'generateKey', { algorithm: { name: 'ECDH', namedCurve: 'sect571k1' }, usages: [] }],
  ['usages that are no list', 'generateKey', { algorithm: GCM, usages: { length: 1 } }],
  ['a format of Node’s own', 'importKey', { format: 'raw-seed', algorithm: { name: 'HKDF' }, data: KEY, usages: [] }],
  ['a key with prototypes', 'importKey', { format: 'jwk', algorithm: { name: 'HKDF' }, jwk: { kty: {} }, usages: [] }],
])('%s is refused before it is used', async (_what, operation, request) => {
  expect(await openRealm().fault(operation, request, data)).toMatch(
    /^(?:TypeError|RangeError|NotSupportedError|OperationError|InvalidAccessError)$/,
  )
})

test('what is no JSON is refused', async () => {
  expect(() => openRealm().call('encrypt', '{')).toThrow('JSON')
  expect(() => openRealm().call('encrypt', 7)).toThrow('not a text')
})
