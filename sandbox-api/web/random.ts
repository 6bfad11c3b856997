import { callNative } from './native.ts'

/** Bytes that are asked for at a time, for requests that are small. One crossing then does for many of them. */
const POOL_BYTES = 1_024
const SMALL_BYTES_MAX = 256

let pool = new Uint8Array(0)
let used = 0

/** Fills bytes with random ones of the cell's generator. Each byte is given out once. */
export function fillRandom(bytes: Uint8Array): void {
  const { length } = bytes
  if (length > SMALL_BYTES_MAX) {
    bytes.set(callNative('crypto.random', length) as Uint8Array)
    return
  }
  if (used + length > pool.length) {
    pool = callNative('crypto.random', POOL_BYTES) as Uint8Array<ArrayBuffer>
    used = 0
  }
  for (let index = 0; index < length; index += 1) bytes[index] = pool[used + index] as number
  pool.fill(0, used, used + length)
  used += length
}

/** A UUID of version 4: RFC 9562. */
export function makeUuid(): string {
  const bytes = new Uint8Array(16)
  fillRandom(bytes)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toHex()
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
