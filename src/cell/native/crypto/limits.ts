import { NativeFault } from '../fault.ts'
import type { CheckedAlgorithm } from './request.ts'

/** The longest key that is imported, unwrapped, or made of a length of the guest's own. It is read on the main thread. */
export const KEY_BYTES_MAX = 65_536

/** One pair of so many bits takes a second or two of a processor, and nothing ends it before its end. */
const GENERATED_MODULUS_MAX = 4_096

/** Of keys that the guest brings. An operation with a private one takes a twentieth of a second. */
const MODULUS_MAX = 8_192

/** Hashes of one derivation by PBKDF2: a second or five of a processor, and nothing ends it before its end. */
const ITERATIONS_MAX = 4_000_000

/** Longer than the salt of any key that there may be. */
const SALT_LENGTH_MAX = MODULUS_MAX / 8

/** The two exponents in use. Others make bad keys, or take long. */
const EXPONENTS: ReadonlySet<string> = new Set(['3', '10001'])

const HASH_BYTES: Readonly<Record<string, number>> = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-384': 48, 'SHA-512': 64 }

/** Throws for parameters of a generation that would take too long or too much. */
export function checkGeneration({ name, modulusLength, publicExponent, length }: CheckedAlgorithm): void {
  if (name === 'HMAC') checkLength(length)
  if (modulusLength === undefined) return
  if ((modulusLength as number) > GENERATED_MODULUS_MAX) throw refuse(`modulusLength above ${GENERATED_MODULUS_MAX}`)
  const exponent = Buffer.from(publicExponent as Uint8Array)
    .toString('hex')
    .replace(/^0+/, '')
  if (!EXPONENTS.has(exponent)) throw refuse('a publicExponent other than 3 and 65537')
}

/** Throws for parameters of a signature that the library underneath shall not see. */
export function checkSignature({ saltLength }: CheckedAlgorithm): void {
  if (saltLength !== undefined && (saltLength as number) > SALT_LENGTH_MAX) {
    throw refuse(`a saltLength above ${SALT_LENGTH_MAX}`)
  }
}

/** Throws for a derivation of so many bits that would take too long. */
export function checkDerivation({ name, iterations, hash }: CheckedAlgorithm, bits: number): void {
  if (name !== 'PBKDF2') return
  const blocks = Math.max(1, Math.ceil(bits / 8 / (HASH_BYTES[hash as string] ?? 1)))
  if ((iterations as number) * blocks <= ITERATIONS_MAX) return
  throw refuse(`more than ${ITERATIONS_MAX} iterations, times the hashes that the length takes,`)
}

/** The bits of a key of this algorithm: what a derivation of one has to give. */
export function derivedBits({ name, hash, length }: CheckedAlgorithm): number {
  if (name === 'HMAC') checkLength(length)
  if (length !== undefined) return length as number
  return hash === 'SHA-384' || hash === 'SHA-512' ? 1_024 : 512
}

/** Throws for a key that is larger than any in use. */
export function checkModulus(bits: number | undefined): void {
  if (bits !== undefined && bits > MODULUS_MAX) throw refuse(`a modulus of more than ${MODULUS_MAX} bits`)
}

/** Throws for a text or bytes of a key that are longer than any in use. */
export function checkKeyBytes(length: number): void {
  if (length > KEY_BYTES_MAX) throw refuse(`a key of more than ${KEY_BYTES_MAX} bytes`)
}

function checkLength(bits: unknown): void {
  if (bits !== undefined) checkKeyBytes((bits as number) / 8)
}

function refuse(what: string): NativeFault {
  return new NativeFault('OperationError', `${what} is not taken here`)
}
