import { afterAll, beforeAll, expect, test } from 'vitest'
import { millis } from '../../../src/core/quantity.ts'
import { LEVELS_HERE, openPool } from '../../pool/harness.ts'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

/** Uses one algorithm of each kind, from the making of a key to the end. */
const EVERYTHING = `
  const { subtle } = crypto
  const data = crypto.getRandomValues(new Uint8Array(100_000 / 2))
  const same = (a, b) => new Uint8Array(a).toHex() === new Uint8Array(b).toHex()
  const done = []
  const check = (name, good) => void (good ? done.push(name) : done.push('not ' + name))
  check('uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()))
  check('digest', (await subtle.digest('sha-512', data)).byteLength === 64)
  const signed = async (algorithm, parameters = algorithm) => {
    const made = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
    const signature = await subtle.sign(parameters, made.privateKey ?? made, data)
    check(algorithm.name, await subtle.verify(parameters, made.publicKey ?? made, signature, data))
  }
  const rsa = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }
  await signed({ name: 'HMAC', hash: 'SHA-384' })
  await signed({ name: 'Ed25519' })
  await signed({ name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ECDSA', hash: 'SHA-256' })
  await signed({ name: 'RSA-PSS', ...rsa }, { name: 'RSA-PSS', saltLength: 32 })
  const secret = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt', 'decrypt', 'wrapKey'])
  const gcm = { name: 'AES-GCM', iv: new Uint8Array(12) }
  check('AES-GCM', same(data, await subtle.decrypt(gcm, secret, await subtle.encrypt(gcm, secret, data))))
  const oaep = await subtle.generateKey({ name: 'RSA-OAEP', ...rsa }, false, ['wrapKey', 'unwrapKey'])
  const wrapped = await subtle.wrapKey('jwk', secret, oaep.publicKey, 'RSA-OAEP')
  const again = await subtle.unwrapKey('jwk', wrapped, oaep.privateKey, 'RSA-OAEP', 'AES-GCM', true, ['decrypt'])
  check('RSA-OAEP', same(await subtle.exportKey('raw', again), await subtle.exportKey('raw', secret)))
  const pairs = [1, 2].map(() => subtle.generateKey('X25519', false, ['deriveBits']))
  const [ann, bob] = await Promise.all(pairs)
  const agree = (mine, other) => subtle.deriveBits({ name: 'X25519', public: other.publicKey }, mine.privateKey, 256)
  check('X25519', same(await agree(ann, bob), await agree(bob, ann)))
  const password = await subtle.importKey('raw', data.slice(0, 10), 'PBKDF2', false, ['deriveKey'])
  const slow = { name: 'PBKDF2', hash: 'SHA-256', salt: data.slice(0, 16), iterations: 10_000 }
  check('PBKDF2', (await subtle.deriveKey(slow, password, { name: 'AES-KW', length: 256 }, false, ['wrapKey'])).type === 'secret')
  return done`
const ALL = ['uuid', 'digest', 'HMAC', 'Ed25519', 'ECDSA', 'RSA-PSS', 'AES-GCM', 'RSA-OAEP', 'X25519', 'PBKDF2']

test.each(LEVELS_HERE)(
  'all kinds of keys can be made and used behind walls of level %s, without JIT, too',
  async (walls) => {
    await using cells = await openPool({ walls })
    expect(await cells.value(EVERYTHING)).toEqual(ALL)
    expect(await cells.value(EVERYTHING, { policy: 'strict' })).toEqual(ALL)
  },
)

test('a key that is not extractable shows nothing of itself, and works again in a later run of the same realm', async () => {
  const code = `let key
    export default async () => {
      const { subtle } = crypto
      const fresh = key === undefined
      key ??= await subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
      const error = await subtle.exportKey('raw', key).catch(({ name }) => name)
      return [fresh, error, JSON.stringify(key), Reflect.ownKeys(key).length, (await subtle.sign('HMAC', key, new Uint8Array(3))).byteLength]
    }`
  const rest = ['InvalidAccessError', '{}', 0, 32]
  expect(await guest.value(code, { reuse: 'function' })).toEqual([true, ...rest])
  expect(await guest.value(code, { reuse: 'function' })).toEqual([false, ...rest])
})

test('a clone of a key does what the key does', async () => {
  const code = `const { subtle } = crypto
    const key = await subtle.importKey('raw', new Uint8Array(20), { name: 'HMAC', hash: 'SHA-1' }, false, ['sign'])
    const clone = structuredClone({ key }).key
    const sign = async (one) => new Uint8Array(await subtle.sign('HMAC', one, new Uint8Array(9))).toHex()
    return [clone !== key, clone instanceof CryptoKey, clone.extractable, await sign(clone) === await sign(key)]`
  expect(await guest.value(code)).toEqual([true, true, false, true])
})

test('a run may ask for more at once than it may have under way', async () => {
  const code = `const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign'])
    const signatures = await Promise.all(Array.from({ length: 1_000 }, () => crypto.subtle.sign('Ed25519', pair.privateKey, new Uint8Array(8))))
    return signatures.length`
  expect(await guest.value(code)).toBe(1_000)
})

test('what would take a processor for long is refused', async () => {
  const code = `const { subtle } = crypto
    const name = (promise) => promise.then(() => 'done', (error) => [error.name, error instanceof DOMException].join())
    const password = await subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits', 'deriveKey'])
    const pbkdf2 = (iterations) => ({ name: 'PBKDF2', hash: 'SHA-1', salt: new Uint8Array(8), iterations })
    const rsa = (modulusLength, ...publicExponent) => subtle.generateKey(
      { name: 'RSA-PSS', hash: 'SHA-1', modulusLength, publicExponent: new Uint8Array(publicExponent) }, true, ['sign'])
    const hmac = { name: 'HMAC', hash: 'SHA-1', length: 2 ** 31 }
    return Promise.all([
      subtle.deriveBits(pbkdf2(2 ** 32 - 1), password, 128),
      subtle.deriveBits(pbkdf2(1_000), password, 2 ** 32 - 8),
      subtle.deriveKey(pbkdf2(1), password, hmac, true, ['sign']),
      subtle.generateKey(hmac, true, ['sign']),
      subtle.importKey('raw', new Uint8Array(70_000), 'HKDF', false, ['deriveBits']),
      rsa(8_192, 1, 0, 1),
      rsa(2_048, 1, 0, 0, 0, 0, 0, 0, 1),
    ].map(name))`
  expect(await guest.value(code)).toEqual(Array.from({ length: 7 }, () => 'OperationError,true'))
})

/** Asks for so many derivations of a second or so each. */
const derive = (count: number): string => `
  const password = await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits'])
  const slow = { name: 'PBKDF2', hash: 'SHA-256', salt: new Uint8Array(8), iterations: 2_000_000 }
  const derived = Array.from({ length: ${count} }, () => crypto.subtle.deriveBits(slow, password, 256))`

test('the processor that the thread pool uses for a run counts, and ends it', async () => {
  const { status } = await guest.run(`${derive(20)}; await Promise.all(derived)`, { limits: { cpu: millis(300) } })
  expect(status).toBe('cpu-exceeded')
})

test('a cell answers while its thread pool is busy', async () => {
  await using cells = await openPool({ cellsMax: 1 })
  const order: string[] = []
  const slow = cells.run(`${derive(1)}; await Promise.all(derived)`).then(({ status }) => order.push(`slow ${status}`))
  const quick = cells
    .run(`await crypto.subtle.digest('SHA-256', new Uint8Array(10))`)
    .then(({ status }) => order.push(`quick ${status}`))
  await Promise.all([slow, quick])
  expect(order).toEqual(['quick ok', 'slow ok'])
})

test('what a run has asked for and left is not begun once the run is over', async () => {
  await using cells = await openPool({ cellsMax: 1 })
  const options = { limits: { wall: millis(15_000) } }
  const left = `${derive(100)}; for (const promise of derived) promise.catch(() => {}); return 'gone'`
  expect(await cells.value(left, options)).toBe('gone')
  // The same cell has to do this one, and a hundred would take its time several times over.
  expect(await cells.value(`${derive(1)}; return (await derived[0]).byteLength`, options)).toBe(32)
})
