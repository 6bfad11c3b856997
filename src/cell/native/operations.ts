import { COMPRESSION } from './compression.ts'
import { ENCODING } from './encoding.ts'
import { CRYPTO } from './crypto.ts'
import type { Operations } from './operation.ts'
import { URLS } from './url.ts'

/** Everything that a guest can have done by native code. */
export const OPERATIONS: Operations = { ...COMPRESSION, ...CRYPTO, ...ENCODING, ...URLS }
