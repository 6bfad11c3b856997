import { CRYPTO } from './crypto.ts'
import type { Operations } from './operation.ts'

/** Everything that a guest can have done by native code. */
export const OPERATIONS: Operations = { ...CRYPTO }
