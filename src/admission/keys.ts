import { hash, randomBytes } from 'node:crypto'
import { type KeyId, parseKeyId } from '../core/ids.ts'

/** SHA-256 of a key's text: what is kept of a key, and what keys are compared by. */
export type KeyHash = Buffer

const KEY = /^clk_([0-9a-f]{16})_[0-9A-Za-z_-]{43}$/
const SECRET_BYTES = 32

/** Makes the text of a new key: `clk_`, the public id, 256 random bits. */
export function createKeyText(id: KeyId): string {
  return `clk_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`
}

/** The public id that a key's text names; undefined for text of any other form. */
export function readKeyId(text: string): KeyId | undefined {
  const id = KEY.exec(text)?.[1]
  return id === undefined ? undefined : parseKeyId(id)
}

/** A plain digest is enough: a key holds 256 random bits, so there is no dictionary to slow down. */
export function hashKey(text: string): KeyHash {
  // By way of text, which costs a third of asking for a buffer: every request comes through here.
  return Buffer.from(hash('sha256', text, 'latin1'), 'latin1')
}
