import { indexOf } from './encoding-index.ts'
import { NativeFault } from './fault.ts'
import { type Operations, bytes, text, whole } from './operation.ts'

/** Most that one operation takes: the guest cuts longer texts and bytes. */
const UNITS_MAX = 1 << 20

const encoder = new TextEncoder()
const lossy = new TextDecoder('utf-8', { ignoreBOM: true })
const fatal = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

/** UTF-8, whose state between two pieces is the guest's, and the indexes of the legacy encodings, which the guest applies. */
export const ENCODING: Operations = {
  'encoding.encode': ([source]) => encoder.encode(bounded(text(source))),

  /** As many whole characters as `room` bytes hold, and after them, in four bytes, how many units of the text they were. */
  'encoding.encodeInto': ([source, room]) => {
    const target = new Uint8Array(whole(room, 0, 3 * UNITS_MAX) + 4)
    const { read, written } = encoder.encodeInto(bounded(text(source)), target.subarray(0, -4))
    new DataView(target.buffer).setUint32(written, read, true)
    return target.subarray(0, written + 4)
  },

  'encoding.decode': ([source, mode]) => {
    try {
      return (mode === 'fatal' ? fatal : lossy).decode(bounded(bytes(source)))
    } catch {
      throw new NativeFault('TypeError', 'the bytes are not UTF-8')
    }
  },

  'encoding.index': ([name]) => indexOf(text(name)),
}

function bounded<Value extends string | Uint8Array>(value: Value): Value {
  if (value.length <= UNITS_MAX) return value
  throw new NativeFault('RangeError', `more than ${UNITS_MAX} at once`)
}
