import type { ByteStream } from './body-stream.ts'

/** Longest piece of a body that goes to the host at once. */
const PIECE_BYTES_MAX = 1 << 20

/** Gives a body to the host piece by piece, each when the one before is taken, until it wants no more. Null is the end. */
export async function writeBody(
  body: Uint8Array | ByteStream,
  write: (piece: Uint8Array | null) => Promise<unknown>,
): Promise<void> {
  if (body instanceof Uint8Array) {
    if ((await writePieces(body, write)) === true) await write(null)
    return
  }
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) {
      await write(null)
      return
    }
    if (!(value instanceof Uint8Array)) {
      const error = new TypeError('fetch failed: a chunk of the request’s body is no Uint8Array')
      void reader.cancel(error)
      throw error
    }
    if ((await writePieces(value, write)) !== true) {
      void reader.cancel()
      return
    }
  }
}

async function writePieces(bytes: Uint8Array, write: (piece: Uint8Array | null) => Promise<unknown>): Promise<unknown> {
  let isWanted: unknown = true
  for (let from = 0; from < bytes.length && isWanted === true; from += PIECE_BYTES_MAX) {
    isWanted = await write(bytes.subarray(from, from + PIECE_BYTES_MAX))
  }
  return isWanted
}
