import {
  KeyObject,
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  randomBytes,
  type webcrypto,
} from 'node:crypto'
import type { AlgorithmDescription, KeyText } from '../../../../sandbox-api/web/subtle/request.ts'
import { NativeFault } from '../fault.ts'
import type { Handles } from '../handles.ts'

/** Keys that are kept open, of those used last. The others are opened again when they are used. */
const OPEN_MAX = 64
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 4

/** A key as the guest keeps it. */
export interface SealedKey {
  readonly text: KeyText
  readonly sealed: Uint8Array
}

interface OpenKey {
  readonly sealed: Buffer
  readonly key: webcrypto.CryptoKey
}

/**
 * The keys of one realm. The guest keeps each of them sealed, with what it may be used for, and hands it back to have it
 * used: so keys need no bound of their own and go as the guest's other values do, and no material of a key that is not
 * extractable is ever in the guest's heap.
 *
 * Invariant: what is sealed for one realm opens in no other, and not once it is gone: the secret is the realm's.
 */
export class Vault {
  readonly #secret = randomBytes(32)
  /** By nonce; the key that was used last is the last. */
  readonly #open = new Map<string, OpenKey>()

  /** Seals a key that may be used as it says. */
  seal(key: webcrypto.CryptoKey): SealedKey {
    const { type, extractable, usages } = key
    const algorithm = plain(key.algorithm)
    const head = Buffer.from(JSON.stringify({ type, extractable, usages, algorithm }))
    const size = Buffer.alloc(HEAD_BYTES)
    size.writeUInt32BE(head.length)
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#secret, nonce)
    const parts = [size, head, materialOf(KeyObject.from(key))].map((part) => cipher.update(part))
    const sealed = Buffer.concat([nonce, ...parts, cipher.final(), cipher.getAuthTag()])
    this.#keep(sealed, key)
    const text = { type, extractable, usages, algorithm, sealedBytes: sealed.length } as KeyText
    return { text, sealed }
  }

  /** Opens a key that was sealed here. Throws for anything else. */
  open(sealed: Uint8Array): webcrypto.CryptoKey {
    const given = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
    const nonce = nonceOf(given)
    const found = this.#open.get(nonce)
    if (found?.sealed.equals(given) === true) {
      this.#open.delete(nonce)
      this.#open.set(nonce, found)
      return found.key
    }
    const key = keyOf(this.#unseal(given))
    this.#keep(Buffer.from(given), key)
    return key
  }

  #unseal(sealed: Buffer): Buffer {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) throw foreign()
    const decipher = createDecipheriv('aes-256-gcm', this.#secret, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
    const content = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES))
    try {
      decipher.final()
    } catch {
      throw foreign()
    }
    return content
  }

  #keep(sealed: Buffer, key: webcrypto.CryptoKey): void {
    this.#open.set(nonceOf(sealed), { sealed, key })
    if (this.#open.size <= OPEN_MAX) return
    const [oldest] = this.#open.keys()
    if (oldest !== undefined) this.#open.delete(oldest)
  }
}

const vaults = new WeakMap<Handles, Vault>()

/** The vault of a realm, which goes when the realm does. */
export function vaultOf(realm: Handles): Vault {
  return vaults.getOrInsertComputed(realm, () => new Vault())
}

function nonceOf(sealed: Buffer): string {
  return sealed.toString('latin1', 0, NONCE_BYTES)
}

function foreign(): NativeFault {
  return new NativeFault('InvalidAccessError', 'the key is none of this realm')
}

function materialOf(key: KeyObject): Buffer {
  if (key.type === 'secret') return key.export()
  return key.export({ format: 'der', type: key.type === 'public' ? 'spki' : 'pkcs8' }) as Buffer
}

function keyOf(content: Buffer): webcrypto.CryptoKey {
  const end = HEAD_BYTES + content.readUInt32BE(0)
  const { type, extractable, usages, algorithm } = JSON.parse(content.toString('utf8', HEAD_BYTES, end)) as KeyText
  const material = content.subarray(end)
  const { publicExponent, ...rest } = algorithm
  const named = publicExponent === undefined ? rest : { ...rest, publicExponent: new Uint8Array(publicExponent) }
  return objectOf(type, material).toCryptoKey(named as never, extractable, usages as webcrypto.KeyUsage[])
}

function objectOf(type: KeyText['type'], material: Buffer): KeyObject {
  switch (type) {
    case 'secret':
      return createSecretKey(material)
    case 'public':
      return createPublicKey({ key: material, format: 'der', type: 'spki' })
    case 'private':
      return createPrivateKey({ key: material, format: 'der', type: 'pkcs8' })
  }
}

/** The algorithm of a key without objects of this realm. */
function plain(algorithm: webcrypto.KeyAlgorithm): AlgorithmDescription {
  const { publicExponent, ...rest } = algorithm as unknown as { publicExponent?: Uint8Array } & AlgorithmDescription
  return publicExponent === undefined ? { ...rest } : { ...rest, publicExponent: [...publicExponent] }
}
