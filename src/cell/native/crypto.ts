import { createHmac, hash, randomBytes, timingSafeEqual, webcrypto } from 'node:crypto'
import { KeyObject } from 'node:crypto'
import type { NativeValue } from '../../../sandbox-api/bridge.ts'
import { QUICK_BYTES_MAX } from '../../../sandbox-api/web/subtle/algorithms.ts'
import {
  checkDerivation,
  checkGeneration,
  checkKeyBytes,
  checkModulus,
  checkSignature,
  derivedBits,
} from './crypto/limits.ts'
import { CryptoRequest } from './crypto/request.ts'
import { takeTurn } from './crypto/turns.ts'
import { type SealedKey, type Vault, vaultOf } from './crypto/vault.ts'
import { NativeFault } from './fault.ts'
import { type Operation, type Operations, bytes, text, whole } from './operation.ts'

type Key = webcrypto.CryptoKey

/** The web's own bound. */
const RANDOM_BYTES_MAX = 65_536

const { subtle } = webcrypto

/** Node's names of the hashes that are made at once. */
const QUICK_HASHES: Readonly<Record<string, string>> = {
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
}

/**
 * The Web Cryptography API. Node's own does the work and is the last judge of what a key may be used for; what is refused before
 * it sees it would take too long, or may be nothing that it expects.
 */
export const CRYPTO: Operations = {
  'crypto.random': ([length]) => randomBytes(whole(length, 0, RANDOM_BYTES_MAX)),
  'crypto.digestNow': ([name, data]) => hash(quickHash(name), quick(data), 'buffer'),
  'crypto.signNow': ([key, data], realm) => mac(vaultOf(realm).open(bytes(key)), 'sign', data),
  'crypto.verifyNow': ([key, signature, data], realm) => {
    const expected = mac(vaultOf(realm).open(bytes(key)), 'verify', data)
    const given = bytes(signature)
    return given.length === expected.length && timingSafeEqual(given, expected)
  },
  'crypto.encrypt': started(async (asked) =>
    buffer(await subtle.encrypt(asked.algorithm('encrypt'), asked.key(), asked.bytes('data'))),
  ),
  'crypto.decrypt': started(async (asked) =>
    buffer(await subtle.decrypt(asked.algorithm('decrypt'), asked.key(), asked.bytes('data'))),
  ),
  'crypto.digest': started(async (asked) =>
    buffer(await subtle.digest(asked.algorithm('digest').name, asked.bytes('data'))),
  ),
  'crypto.sign': started(async (asked) => {
    const algorithm = asked.algorithm('sign')
    checkSignature(algorithm)
    return buffer(await subtle.sign(algorithm, asked.key(), asked.bytes('data')))
  }),
  'crypto.verify': started((asked) => {
    const algorithm = asked.algorithm('verify')
    checkSignature(algorithm)
    return subtle.verify(algorithm, asked.key(), asked.bytes('signature'), asked.bytes('data'))
  }),
  'crypto.generateKey': started(async (asked, vault) => {
    const algorithm = asked.algorithm('generateKey')
    checkGeneration(algorithm)
    const made = (await subtle.generateKey(algorithm, asked.extractable(), asked.usages())) as
      Key | webcrypto.CryptoKeyPair
    return packKeys(('publicKey' in made ? [made.publicKey, made.privateKey] : [made]).map((key) => vault.seal(key)))
  }),
  'crypto.importKey': soon(async (asked, vault) => {
    const format = asked.format()
    const given = [asked.algorithm('importKey') as never, asked.extractable(), asked.usages()] as const
    if (format === 'jwk') return keep(vault, await subtle.importKey(format, asked.jwk() as never, ...given))
    const data = asked.bytes('data')
    checkKeyBytes(data.length)
    return keep(vault, await subtle.importKey(format, data, ...given))
  }),
  'crypto.exportKey': soon(async (asked) => {
    const format = asked.format()
    if (format === 'jwk') return JSON.stringify(await subtle.exportKey(format, asked.key()))
    return buffer(await subtle.exportKey(format, asked.key()))
  }),
  'crypto.deriveBits': started(async (asked) => {
    const algorithm = asked.algorithm('deriveBits')
    const length = asked.length()
    checkDerivation(algorithm, length ?? 0)
    return buffer(await subtle.deriveBits(algorithm as never, asked.key(), length))
  }),
  'crypto.deriveKey': started(async (asked, vault) => {
    const algorithm = asked.algorithm('deriveBits')
    const derived = asked.keyAlgorithm('importKey', 'get key length')
    checkDerivation(algorithm, derivedBits(derived))
    const made = subtle.deriveKey(
      algorithm as never,
      asked.key(),
      derived as never,
      asked.extractable(),
      asked.usages(),
    )
    return keep(vault, await made)
  }),
  'crypto.wrapKey': started(async (asked) => {
    const algorithm = asked.wrapping('wrapKey', 'encrypt')
    return buffer(await subtle.wrapKey(asked.format(), asked.key('otherKey'), asked.key(), algorithm))
  }),
  'crypto.unwrapKey': started(async (asked, vault) => {
    const data = asked.bytes('data')
    checkKeyBytes(data.length)
    const made = subtle.unwrapKey(
      asked.format(),
      data,
      asked.key(),
      asked.wrapping('unwrapKey', 'decrypt'),
      asked.keyAlgorithm('importKey') as never,
      asked.extractable(),
      asked.usages(),
    )
    return keep(vault, await made)
  }),
}

type Work = (asked: CryptoRequest, vault: Vault) => Promise<NativeValue>

/** What the thread pool does, in its turn. */
function started(work: Work): Operation {
  return (args, realm, wanted) => {
    const vault = vaultOf(realm)
    const asked = new CryptoRequest(args, vault)
    return takeTurn(wanted, () => judged(work(asked, vault)))
  }
}

/** What is short, but only to be had as a promise. */
function soon(work: Work): Operation {
  return (args, realm) => {
    const vault = vaultOf(realm)
    return judged(work(new CryptoRequest(args, vault), vault))
  }
}

async function judged(work: Promise<NativeValue>): Promise<NativeValue> {
  try {
    return await work
  } catch (error) {
    throw faultOf(error)
  }
}

/** Node's errors are named as the standard says. */
function faultOf(error: unknown): unknown {
  if (error instanceof NativeFault || error instanceof RangeError) return error
  if (error instanceof DOMException || error instanceof TypeError) {
    return new NativeFault(error.name, error.message.slice(0, 200))
  }
  return new NativeFault('OperationError', 'the operation failed')
}

function keep(vault: Vault, key: Key): NativeValue {
  checkModulus((key.algorithm as { modulusLength?: number }).modulusLength)
  return packKeys([vault.seal(key)])
}

/** Keys for the guest: the length of a text, the text, which is of ASCII, and the sealed keys. */
function packKeys(keys: readonly SealedKey[]): Uint8Array {
  const head = Buffer.from(JSON.stringify(keys.map(({ text: one }) => one)))
  const size = Buffer.alloc(4)
  size.writeUInt32BE(head.length)
  return Buffer.concat([size, head, ...keys.map(({ sealed }) => sealed)])
}

function buffer(made: ArrayBuffer): Uint8Array {
  return new Uint8Array(made)
}

function quickHash(name: unknown): string {
  const found = Object.hasOwn(QUICK_HASHES, text(name)) ? QUICK_HASHES[text(name)] : undefined
  if (found === undefined) throw new NativeFault('NotSupportedError', 'there is no such hash')
  return found
}

function quick(data: unknown): Uint8Array {
  const given = bytes(data)
  if (given.length > QUICK_BYTES_MAX) throw new NativeFault('RangeError', 'it is too much to be done at once')
  return given
}

/** The HMAC of little data by a key that may be used so. */
function mac(key: Key, usage: 'sign' | 'verify', data: unknown): Buffer {
  const { name, hash: hashed } = key.algorithm as { name: string; hash?: { name: string } }
  if (name !== 'HMAC' || !key.usages.includes(usage)) {
    throw new NativeFault('InvalidAccessError', `the key is not for ${usage} by HMAC`)
  }
  return createHmac(quickHash(hashed?.name), KeyObject.from(key)).update(quick(data)).digest()
}
