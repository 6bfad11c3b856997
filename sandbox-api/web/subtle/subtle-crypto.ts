import { finishInterface, needArguments } from '../webidl.ts'
import { checkBufferSource, copyOf, isBufferSource, toFormat, toJwk, toUsages } from './convert.ts'
import { type CryptoKey, readKey } from './crypto-key.ts'
import { normalize, normalizeEither, toIdentifier } from './normalize.ts'
import { quickDigest, quickSign, quickVerify } from './quick.ts'
import { Cargo, bufferOf, keysOf, work } from './work.ts'

const OURS = Symbol('ours')

/**
 * The Web Cryptography API. This half converts what it gets and normalizes algorithms, in the standard's order; the cell does
 * the work on its thread pool, and checks everything again.
 */
export class SubtleCrypto {
  readonly #brand = true

  constructor(token?: unknown) {
    if (token !== OURS) throw new TypeError('Illegal constructor')
  }

  async encrypt(algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
    this.#need(arguments.length, 3, 'encrypt')
    return transform('encrypt', algorithm, key, data)
  }

  async decrypt(algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
    this.#need(arguments.length, 3, 'decrypt')
    return transform('decrypt', algorithm, key, data)
  }

  async sign(algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
    this.#need(arguments.length, 3, 'sign')
    return transform('sign', algorithm, key, data)
  }

  async verify(algorithm: unknown, key: unknown, signature: unknown, data: unknown): Promise<boolean> {
    this.#need(arguments.length, 4, 'verify')
    const identifier = toIdentifier(algorithm)
    const { text, sealed } = readKey(key)
    checkBufferSource(signature, 'the signature')
    checkBufferSource(data, 'the data')
    const normal = normalize('verify', identifier)
    const signatureCopy = copyOf(signature)
    const dataCopy = copyOf(data)
    const quick = quickVerify(normal, text, sealed, signatureCopy, dataCopy)
    if (quick !== undefined) return quick
    const cargo = new Cargo()
    const request = {
      algorithm: cargo.algorithm(normal),
      key: cargo.add(sealed),
      signature: cargo.add(signatureCopy),
      data: cargo.add(dataCopy),
    }
    return (await work('verify', request, cargo)) === true
  }

  async digest(algorithm: unknown, data: unknown): Promise<ArrayBuffer> {
    this.#need(arguments.length, 2, 'digest')
    const identifier = toIdentifier(algorithm)
    checkBufferSource(data, 'the data')
    const normal = normalize('digest', identifier)
    const copy = copyOf(data)
    const quick = quickDigest(normal, copy)
    if (quick !== undefined) return quick
    const cargo = new Cargo()
    return bufferOf(await work('digest', { algorithm: cargo.algorithm(normal), data: cargo.add(copy) }, cargo))
  }

  async generateKey(algorithm: unknown, extractable: unknown, keyUsages: unknown): Promise<CryptoKey | object> {
    this.#need(arguments.length, 3, 'generateKey')
    const identifier = toIdentifier(algorithm)
    const given = { extractable: Boolean(extractable), usages: toUsages(keyUsages) }
    const cargo = new Cargo()
    const normal = cargo.algorithm(normalize('generateKey', identifier))
    const [first, second] = keysOf(await work('generateKey', { algorithm: normal, ...given }, cargo))
    return second === undefined ? (first as CryptoKey) : { publicKey: first, privateKey: second }
  }

  async deriveKey(
    algorithm: unknown,
    baseKey: unknown,
    derivedKeyType: unknown,
    extractable: unknown,
    keyUsages: unknown,
  ): Promise<CryptoKey> {
    this.#need(arguments.length, 5, 'deriveKey')
    const identifier = toIdentifier(algorithm)
    const { sealed } = readKey(baseKey)
    const derived = toIdentifier(derivedKeyType)
    const given = { extractable: Boolean(extractable), usages: toUsages(keyUsages) }
    const cargo = new Cargo()
    const normal = cargo.algorithm(normalize('deriveBits', identifier))
    const imported = normalize('importKey', derived)
    const keyAlgorithm = cargo.algorithm({ ...imported, ...normalize('get key length', derived) })
    const request = { algorithm: normal, key: cargo.add(sealed), keyAlgorithm, ...given }
    return first(keysOf(await work('deriveKey', request, cargo)))
  }

  async deriveBits(algorithm: unknown, baseKey: unknown, length: unknown = null): Promise<ArrayBuffer> {
    this.#need(arguments.length, 2, 'deriveBits')
    const identifier = toIdentifier(algorithm)
    const { sealed } = readKey(baseKey)
    const bits = length === null || length === undefined ? null : +(length as number) >>> 0
    const cargo = new Cargo()
    const normal = cargo.algorithm(normalize('deriveBits', identifier))
    const request = { algorithm: normal, key: cargo.add(sealed), length: bits }
    return bufferOf(await work('deriveBits', request, cargo))
  }

  async importKey(
    format: unknown,
    keyData: unknown,
    algorithm: unknown,
    extractable: unknown,
    keyUsages: unknown,
  ): Promise<CryptoKey> {
    this.#need(arguments.length, 5, 'importKey')
    const kind = toFormat(format)
    const data = isBufferSource(keyData) ? keyData : toJwk(keyData)
    if (isBufferSource(data)) checkBufferSource(data, 'the key')
    const identifier = toIdentifier(algorithm)
    const given = { format: kind, extractable: Boolean(extractable), usages: toUsages(keyUsages) }
    const cargo = new Cargo()
    const normal = cargo.algorithm(normalize('importKey', identifier))
    if ((kind === 'jwk') === isBufferSource(data)) {
      throw new TypeError(`a key as ${kind} must be ${kind === 'jwk' ? 'a JsonWebKey' : 'bytes'}`)
    }
    const key = isBufferSource(data) ? { data: cargo.add(copyOf(data)) } : { jwk: data }
    return first(keysOf(await work('importKey', { algorithm: normal, ...given, ...key }, cargo)))
  }

  async exportKey(format: unknown, key: unknown): Promise<ArrayBuffer | object> {
    this.#need(arguments.length, 2, 'exportKey')
    const kind = toFormat(format)
    const { sealed } = readKey(key)
    const cargo = new Cargo()
    const answer = await work('exportKey', { format: kind, key: cargo.add(sealed) }, cargo)
    return typeof answer === 'string' ? (JSON.parse(answer) as object) : bufferOf(answer)
  }

  async wrapKey(format: unknown, key: unknown, wrappingKey: unknown, wrapAlgorithm: unknown): Promise<ArrayBuffer> {
    this.#need(arguments.length, 4, 'wrapKey')
    const kind = toFormat(format)
    const { sealed } = readKey(key)
    const wrapping = readKey(wrappingKey)
    const { by, algorithm } = normalizeEither('wrapKey', 'encrypt', toIdentifier(wrapAlgorithm))
    const cargo = new Cargo()
    const request = {
      format: kind,
      algorithm: cargo.algorithm(algorithm),
      by,
      key: cargo.add(wrapping.sealed),
      otherKey: cargo.add(sealed),
    }
    return bufferOf(await work('wrapKey', request, cargo))
  }

  async unwrapKey(
    format: unknown,
    wrappedKey: unknown,
    unwrappingKey: unknown,
    unwrapAlgorithm: unknown,
    unwrappedKeyAlgorithm: unknown,
    extractable: unknown,
    keyUsages: unknown,
  ): Promise<CryptoKey> {
    this.#need(arguments.length, 7, 'unwrapKey')
    const kind = toFormat(format)
    checkBufferSource(wrappedKey, 'the wrapped key')
    const { sealed } = readKey(unwrappingKey)
    const wrapping = toIdentifier(unwrapAlgorithm)
    const unwrapped = toIdentifier(unwrappedKeyAlgorithm)
    const given = { format: kind, extractable: Boolean(extractable), usages: toUsages(keyUsages) }
    const { by, algorithm } = normalizeEither('unwrapKey', 'decrypt', wrapping)
    const keyAlgorithm = normalize('importKey', unwrapped)
    const cargo = new Cargo()
    const request = {
      ...given,
      algorithm: cargo.algorithm(algorithm),
      by,
      keyAlgorithm: cargo.algorithm(keyAlgorithm),
      key: cargo.add(sealed),
      data: cargo.add(copyOf(wrappedKey)),
    }
    return first(keysOf(await work('unwrapKey', request, cargo)))
  }

  #need(count: number, least: number, name: string): void {
    // Throws TypeError for an object of another class.
    if (this.#brand) needArguments(count, least, name)
  }
}

finishInterface(SubtleCrypto, 'SubtleCrypto')

export const subtle = new SubtleCrypto(OURS)
Object.defineProperty(SubtleCrypto, 'length', { value: 0 })
Object.defineProperty(SubtleCrypto.prototype.deriveBits, 'length', { value: 2 })

/** What takes a key and bytes, and gives bytes. */
async function transform(
  operation: 'encrypt' | 'decrypt' | 'sign',
  algorithm: unknown,
  key: unknown,
  data: unknown,
): Promise<ArrayBuffer> {
  const identifier = toIdentifier(algorithm)
  const { text, sealed } = readKey(key)
  checkBufferSource(data, 'the data')
  const normal = normalize(operation, identifier)
  const copy = copyOf(data)
  const quick = operation === 'sign' ? quickSign(normal, text, sealed, copy) : undefined
  if (quick !== undefined) return quick
  const cargo = new Cargo()
  const request = { algorithm: cargo.algorithm(normal), key: cargo.add(sealed), data: cargo.add(copy) }
  return bufferOf(await work(operation, request, cargo))
}

function first(keys: readonly CryptoKey[]): CryptoKey {
  return keys[0] as CryptoKey
}
