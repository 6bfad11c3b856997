import { grant, whole } from '../fields.ts'

const MIB = 1 << 20

/** What a policy says of `invoke`. */
export const invoke = grant({
  operations: whole({
    min: 1,
    max: 10_000,
    about: 'Functions that one run may call.',
    bounds: 'null removes invoke altogether; each call is a run of its own.',
  }),
  inputBytes: whole({
    min: 4,
    max: MIB,
    about: 'Length of the input of a call as JSON in bytes; limits.inputBytes bounds it as well.',
    bounds: 'the shortest input, null; one call carries at most 2 MiB, the escapes of its text included.',
  }),
})
