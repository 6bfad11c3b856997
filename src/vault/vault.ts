import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { CloisterError } from '../core/errors.ts'
import type { Vault } from '../core/vault.ts'

/** Says how the rest is to be read; a later way gets another one. */
const VERSION = 'v1.'
const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * AES-256-GCM under a key made of `secret`, with the place as additional data: a sealed text that is moved to another row
 * of the database does not open there.
 */
export function createVault(secret: string): Vault {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'cloister vault v1', KEY_BYTES))
  return {
    seal(text, place) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(place))
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return VERSION + sealed.toString('base64')
    },
    open(sealed, place) {
      try {
        return decrypt(key, sealed, place)
      } catch (cause) {
        const message =
          'what is stored encrypted cannot be opened: the vault’s key is not the one that it was sealed with'
        throw new CloisterError('INTERNAL', message, { cause })
      }
    },
  }
}

function decrypt(key: Buffer, sealed: string, place: string): string {
  if (!sealed.startsWith(VERSION)) throw new Error('the version is not known')
  const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64')
  const end = bytes.length - TAG_BYTES
  if (end < NONCE_BYTES) throw new Error('it is too short')
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(end))
  return decipher.update(bytes.subarray(NONCE_BYTES, end), undefined, 'utf8') + decipher.final('utf8')
}
