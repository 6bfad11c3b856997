import {
  type AlgorithmOperation,
  FORMATS,
  HASHES,
  type KeyFormat,
  type KeyUsage,
  type Kind,
  SHAPES,
  USAGES,
} from '../../../../sandbox-api/web/subtle/algorithms.ts'
import { NativeFault } from '../fault.ts'
import { bytes, text, whole } from '../operation.ts'
import { KEY_BYTES_MAX } from './limits.ts'
import type { Vault } from './vault.ts'

/** An algorithm with nothing in it but what its shape names, each of the kind that it names. */
export interface CheckedAlgorithm {
  readonly name: string
  readonly [parameter: string]: unknown
}

const JSON_LENGTH_MAX = 4 * KEY_BYTES_MAX
const CURVES: ReadonlySet<string> = new Set(['P-256', 'P-384', 'P-521'])
const JWK_TEXTS = ['alg', 'crv', 'd', 'dp', 'dq', 'e', 'k', 'kty', 'n', 'p', 'q', 'qi', 'use', 'x', 'y']

/**
 * What a guest asks of the Web Cryptography API: JSON text, and bytes beside it that the text names by their places. Each part
 * is checked when it is asked for, and made anew: no object of the text reaches Node's code.
 */
export class CryptoRequest {
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #cargo: readonly unknown[]
  readonly #vault: Vault

  constructor([json, ...cargo]: readonly unknown[], vault: Vault) {
    const given = text(json)
    if (given.length > JSON_LENGTH_MAX) throw new NativeFault('OperationError', 'the key is too large')
    this.#fields = record(JSON.parse(given))
    this.#cargo = cargo
    this.#vault = vault
  }

  algorithm(operation: AlgorithmOperation): CheckedAlgorithm {
    return this.#algorithm(operation, this.#fields['algorithm'])
  }

  /** The algorithm of a wrapping, which is one of two operations'. */
  wrapping(first: 'wrapKey' | 'unwrapKey', second: 'encrypt' | 'decrypt'): CheckedAlgorithm {
    return this.algorithm(this.#fields['by'] === first ? first : second)
  }

  /** The algorithm of a key that is to be made by another operation. */
  keyAlgorithm(...operations: readonly AlgorithmOperation[]): CheckedAlgorithm {
    const parts = operations.map((operation) => this.#algorithm(operation, this.#fields['keyAlgorithm']))
    return Object.assign({}, ...parts) as CheckedAlgorithm
  }

  key(field: 'key' | 'otherKey' = 'key'): ReturnType<Vault['open']> {
    return this.#vault.open(this.bytes(field))
  }

  bytes(field: string): Uint8Array<ArrayBuffer> {
    return this.#bytesAt(this.#fields[field])
  }

  format(): KeyFormat {
    return oneOf(FORMATS, this.#fields['format'])
  }

  extractable(): boolean {
    return this.#fields['extractable'] === true
  }

  usages(): KeyUsage[] {
    const given = this.#fields['usages']
    // More would be repetitions.
    if (!Array.isArray(given) || given.length > 1_000) throw new NativeFault('TypeError', 'there are no usages')
    return [...new Set(given.map((usage) => oneOf(USAGES, usage)))]
  }

  /** Bits; null for all that there are. */
  length(): number | null {
    const given = this.#fields['length']
    return given === null ? null : whole(given, 0, 0xffff_ffff)
  }

  jwk(): Record<string, unknown> {
    const given = record(this.#fields['jwk'])
    const jwk: Record<string, unknown> = {}
    for (const member of JWK_TEXTS) if (given[member] !== undefined) jwk[member] = text(given[member])
    if (given['ext'] !== undefined) jwk['ext'] = given['ext'] === true
    if (given['key_ops'] !== undefined) jwk['key_ops'] = list(given['key_ops']).map(text)
    if (given['oth'] !== undefined) throw new NativeFault('NotSupportedError', 'keys of more than two primes are not')
    return jwk
  }

  #algorithm(operation: AlgorithmOperation, value: unknown): CheckedAlgorithm {
    const given = record(value)
    const name = text(given['name'])
    const shape = Object.hasOwn(SHAPES[operation], name) ? SHAPES[operation][name] : undefined
    if (shape === undefined) throw new NativeFault('NotSupportedError', `${operation} has no such algorithm`)
    const algorithm: Record<string, unknown> = { name }
    for (const [parameter, kind] of Object.entries(shape)) {
      const found = given[parameter]
      if (found === undefined && kind.endsWith('?')) continue
      algorithm[parameter] = this.#parameter((kind.endsWith('?') ? kind.slice(0, -1) : kind) as Kind, found)
    }
    return algorithm as CheckedAlgorithm
  }

  #parameter(kind: Kind, value: unknown): unknown {
    switch (kind) {
      case 'bytes':
      case 'exponent':
        return this.#bytesAt(value)
      case 'hash':
        return oneOf(HASHES, value)
      case 'key':
        return this.#vault.open(this.#bytesAt(value))
      case 'octet':
        return whole(value, 0, 0xff)
      case 'short':
        return whole(value, 0, 0xffff)
      case 'long':
        return whole(value, 0, 0xffff_ffff)
      case 'text':
        if (!CURVES.has(text(value))) throw new NativeFault('NotSupportedError', 'there is no such curve here')
        return value
    }
  }

  #bytesAt(place: unknown): Uint8Array<ArrayBuffer> {
    return bytes(this.#cargo[whole(record(place)['at'], 0, this.#cargo.length - 1)]) as Uint8Array<ArrayBuffer>
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null) return { __proto__: null, ...value } as Record<string, unknown>
  throw new NativeFault('TypeError', 'a part of the request is missing')
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value) && value.length <= 1_000) return value as unknown[]
  throw new NativeFault('TypeError', 'a part of the request is no list')
}

function oneOf<Value extends string>(values: readonly Value[], value: unknown): Value {
  const found = values.find((one) => one === value)
  if (found === undefined) throw new NativeFault('TypeError', `it is none of ${values.join(', ')}`)
  return found
}
