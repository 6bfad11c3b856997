import { callNative } from '../native.ts'

/** Units that go to native code at once. Not cut within a surrogate pair. */
const PIECE = 1 << 18

/** Shorter texts are first tried as ASCII, here: a call of native code costs as much. */
const SHORT = 64

/** UTF-8 of a text, in a buffer of its own. Half of a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  if (text.length < SHORT) {
    const bytes = new Uint8Array(text.length)
    if (writeAscii(text, bytes) === text.length) return bytes
  }
  if (text.length <= PIECE) return native(text)
  const pieces: Uint8Array[] = []
  let length = 0
  for (let from = 0; from < text.length;) {
    const to = endOfPiece(text, from)
    const piece = native(text.slice(from, to))
    pieces.push(piece)
    length += piece.length
    from = to
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** Writes as many whole characters of a well-formed text as there is room for. */
export function encodeInto(text: string, target: Uint8Array): { read: number; written: number } {
  // Neither is ever moved back: shared memory can only grow, and nothing else runs meanwhile.
  const room = target.length
  const ascii = writeAscii(text.length < SHORT ? text : text.slice(0, SHORT), target)
  let read = ascii
  let written = ascii
  while (read < text.length && written < room) {
    const to = endOfPiece(text, read)
    const answer = callNative(
      'encoding.encodeInto',
      text.slice(read, to),
      Math.min(room - written, 3 * PIECE),
    ) as Uint8Array
    const end = answer.length - 4
    const taken = new DataView(answer.buffer, answer.byteOffset + end).getUint32(0, true)
    if (taken === 0) break
    target.set(answer.subarray(0, end), written)
    read += taken
    written += end
  }
  return { read, written }
}

/** Writes what a text begins with of ASCII; how much that is. */
function writeAscii(text: string, target: Uint8Array): number {
  const length = Math.min(text.length, target.length)
  for (let index = 0; index < length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit > 0x7f) return index
    target[index] = unit
  }
  return length
}

function endOfPiece(text: string, from: number): number {
  const to = from + PIECE
  return to < text.length && (text.charCodeAt(to - 1) & 0xfc00) === 0xd800 ? to - 1 : to
}

function native(text: string): Uint8Array<ArrayBuffer> {
  return callNative('encoding.encode', text) as Uint8Array<ArrayBuffer>
}
