import { callNative } from '../native.ts'

/** Units that go to native code at once. Not cut within a surrogate pair. */
const PIECE = 1 << 18

/** Up to so many units are encoded here: a call of native code costs more, even where there is no JIT. */
const SHORT = 256

const scratch = new Uint8Array(3 * SHORT)

/** UTF-8 of a text, in a buffer of its own. Half of a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  if (text.length <= SHORT) return scratch.slice(0, write(text, scratch).written)
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
  if (text.length <= SHORT || target.length <= SHORT) return write(text, target)
  const room = target.length
  let read = 0
  let written = 0
  while (read < text.length && written < room) {
    const to = endOfPiece(text, read)
    const left = Math.min(room - written, 3 * PIECE)
    const answer = callNative('encoding.encodeInto', text.slice(read, to), left) as Uint8Array
    const end = answer.length - 4
    const taken = new DataView(answer.buffer, answer.byteOffset + end).getUint32(0, true)
    if (taken === 0) break
    target.set(answer.subarray(0, end), written)
    read += taken
    written += end
  }
  return { read, written }
}

/** Encodes here, as far as there is room for whole characters. */
function write(text: string, target: Uint8Array): { read: number; written: number } {
  const room = target.length
  let read = 0
  let written = 0
  while (read < text.length) {
    const codePoint = text.codePointAt(read) as number
    const size = codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x1_0000 ? 3 : 4
    if (written + size > room) break
    if (size === 1) target[written] = codePoint
    else writeLong((codePoint & 0xff_f800) === 0xd800 ? 0xfffd : codePoint, size, target, written)
    read += size === 4 ? 2 : 1
    written += size
  }
  return { read, written }
}

function writeLong(codePoint: number, size: number, target: Uint8Array, at: number): void {
  let rest = codePoint
  for (let index = size - 1; index > 0; index -= 1) {
    target[at + index] = 0x80 | (rest & 0x3f)
    rest >>= 6
  }
  target[at] = rest | (size === 2 ? 0xc0 : size === 3 ? 0xe0 : 0xf0)
}

function endOfPiece(text: string, from: number): number {
  const to = from + PIECE
  return to < text.length && (text.charCodeAt(to - 1) & 0xfc00) === 0xd800 ? to - 1 : to
}

function native(text: string): Uint8Array<ArrayBuffer> {
  return callNative('encoding.encode', text) as Uint8Array<ArrayBuffer>
}
