import { QUICK_BYTES_MAX } from './algorithms.ts'
import type { Algorithm } from './normalize.ts'
import type { KeyText } from './request.ts'
import { bufferOf, workNow } from './work.ts'

/**
 * What is done at once because it takes less time than a turn of the thread pool: hashes of little. Each gives undefined where the
 * long way has to be gone, which is also the one that finds faults.
 */

export function quickDigest({ name }: Algorithm, data: Uint8Array): ArrayBuffer | undefined {
  return data.length > QUICK_BYTES_MAX ? undefined : bufferOf(workNow('digestNow', name, data))
}

export function quickSign(
  { name }: Algorithm,
  key: KeyText,
  sealed: Uint8Array,
  data: Uint8Array,
): ArrayBuffer | undefined {
  if (!isQuick(name, key, 'sign', data)) return undefined
  return bufferOf(workNow('signNow', sealed, data))
}

export function quickVerify(
  { name }: Algorithm,
  key: KeyText,
  sealed: Uint8Array,
  signature: Uint8Array,
  data: Uint8Array,
): boolean | undefined {
  if (!isQuick(name, key, 'verify', data)) return undefined
  return workNow('verifyNow', sealed, signature, data) as boolean
}

function isQuick(name: string, key: KeyText, usage: 'sign' | 'verify', data: Uint8Array): boolean {
  return name === 'HMAC' && key.algorithm.name === name && key.usages.includes(usage) && data.length <= QUICK_BYTES_MAX
}
