import { CODECS, Codec, PIECE_BYTES_MAX } from './codec.ts'
import { NativeFault } from './fault.ts'
import type { Handles } from './handles.ts'
import { type Operations, bytes, text } from './operation.ts'

/** What the open codecs of one realm may hold of the cell's memory, beside the isolate's own. */
const REALM_BYTES_MAX = 64 << 20

const reserved = new WeakMap<Handles, number>()

function reserve(handles: Handles, amount: number): void {
  const sum = (reserved.get(handles) ?? 0) + amount
  if (sum > REALM_BYTES_MAX) throw new NativeFault('RangeError', 'too many compression streams are open')
  reserved.set(handles, sum)
}

/** Compression streams: a codec is opened, fed and closed. Steps are started, since they take their time in a thread of the pool. */
export const COMPRESSION: Operations = {
  'compression.open': ([direction, format], handles) => {
    const name = `${text(direction)} ${text(format)}`
    const kind = Object.hasOwn(CODECS, name) ? CODECS[name] : undefined
    if (kind === undefined) throw new NativeFault('TypeError', 'there is no such format')
    reserve(handles, kind.bytes)
    const codec = new Codec(kind)
    try {
      return handles.add(codec)
    } catch (error) {
      codec.close()
      reserve(handles, -kind.bytes)
      throw error
    }
  },
  'compression.feed': ([handle, input], handles) => {
    const piece = bytes(input)
    if (piece.length > PIECE_BYTES_MAX) throw new NativeFault('RangeError', 'the piece is too long')
    return handles.get(handle, Codec).feed(piece)
  },
  'compression.finish': ([handle], handles) => handles.get(handle, Codec).finish(),
  'compression.take': ([handle], handles) => handles.get(handle, Codec).take(),
  'compression.idle': ([handle], handles) => handles.get(handle, Codec).idle,
  'compression.close': ([handle], handles) => {
    const codec = handles.get(handle, Codec)
    handles.release(handle)
    reserve(handles, -codec.bytes)
    codec.close()
    return undefined
  },
}
