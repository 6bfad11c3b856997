import { section } from './fields.ts'
import { kv } from './grants/kv.ts'

/** Grants as they are written: null removes what is inherited. */
export const grantOverlays = section({
  kv: kv.partial().nullable().optional(),
})

/** Grants with all that they inherit. A capability that is absent is not granted. */
export const completeGrants = section({
  kv: kv.optional(),
})
