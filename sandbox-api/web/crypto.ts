import { DOMException } from './dom-exception.ts'
import { fillRandom, makeUuid } from './random.ts'
import { bytesUnder, kindOfArray } from './subtle/convert.ts'
import type { SubtleCrypto } from './subtle/subtle-crypto.ts'
import { finishInterface, needArguments } from './webidl.ts'

const OURS = Symbol('ours')
/** The standard's own bound of one request. */
const RANDOM_BYTES_MAX = 65_536
const WHOLE_NUMBERS = /^(?:Int8|Uint8|Uint8Clamped|Int16|Uint16|Int32|Uint32|BigInt64|BigUint64)Array$/

/** Random numbers, and the door to {@link SubtleCrypto}: Web Cryptography, "Crypto". */
export class Crypto {
  readonly #brand = true

  constructor(token?: unknown) {
    if (token !== OURS) throw new TypeError('Illegal constructor')
  }

  get subtle(): SubtleCrypto {
    this.#check()
    return (require('./subtle/subtle-crypto.ts') as typeof import('./subtle/subtle-crypto.ts')).subtle
  }

  getRandomValues(array: unknown): unknown {
    this.#check()
    needArguments(arguments.length, 1, 'getRandomValues')
    if (!ArrayBuffer.isView(array)) throw new TypeError('it must be a typed array')
    const bytes = bytesUnder(array)
    if (!WHOLE_NUMBERS.test(kindOfArray(array) ?? '')) {
      throw new DOMException('it must be an array of whole numbers', 'TypeMismatchError')
    }
    if (bytes.length > RANDOM_BYTES_MAX) {
      throw new DOMException(`more than ${RANDOM_BYTES_MAX} bytes were asked for at once`, 'QuotaExceededError')
    }
    fillRandom(bytes)
    return array
  }

  randomUUID(): string {
    this.#check()
    return makeUuid()
  }

  #check(): boolean {
    // Throws TypeError for an object of another class.
    return this.#brand
  }
}

finishInterface(Crypto, 'Crypto')
Object.defineProperty(Crypto, 'length', { value: 0 })

export const crypto = new Crypto(OURS)
