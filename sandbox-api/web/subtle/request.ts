import type { AlgorithmOperation, KeyFormat, KeyUsage } from './algorithms.ts'

/** How a request to the cell's native code names bytes that cross beside it: by their place. */
export interface PlaceOfBytes {
  readonly at: number
}

/** An algorithm on its way to the cell. */
export interface AlgorithmText {
  readonly name: string
  readonly [parameter: string]: string | number | PlaceOfBytes
}

/** What SubtleCrypto asks of the cell, as JSON text. */
export interface RequestText {
  readonly algorithm?: AlgorithmText
  /** The shape that `algorithm` has been read by, where there are two: `wrapKey` may be done by `encrypt`. */
  readonly by?: AlgorithmOperation
  /** The algorithm of the key that is unwrapped or derived. */
  readonly keyAlgorithm?: AlgorithmText
  readonly key?: PlaceOfBytes
  readonly otherKey?: PlaceOfBytes
  readonly data?: PlaceOfBytes
  readonly signature?: PlaceOfBytes
  readonly format?: KeyFormat
  readonly jwk?: object
  readonly extractable?: boolean
  readonly usages?: readonly KeyUsage[]
  /** In bits; null for all that there are. */
  readonly length?: number | null
}

/** What the guest's half of a key knows of it. The material is sealed. */
export interface KeyText {
  readonly type: 'public' | 'private' | 'secret'
  readonly extractable: boolean
  readonly algorithm: AlgorithmDescription
  readonly usages: readonly KeyUsage[]
  /** Length of the sealed key, which follows this text with those of the others in their order. */
  readonly sealedBytes: number
}

export interface AlgorithmDescription {
  readonly name: string
  readonly hash?: { readonly name: string }
  readonly length?: number
  readonly modulusLength?: number
  readonly namedCurve?: string
  readonly publicExponent?: readonly number[]
}
