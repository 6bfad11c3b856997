/** Bytes that come one piece at a time, each when it is asked for. */
export interface ByteSource {
  /** The next piece, never empty; undefined at the end. One at a time. Rejects with what it failed of, from then on. */
  read(): Promise<Buffer | undefined>
  /** Nothing more is wanted. */
  cancel(): void
}

/** The same bytes; rejects with `tooMany` once they are more than `bytesMax`. */
export function limited(source: ByteSource, bytesMax: number, tooMany: () => Error): ByteSource {
  let size = 0
  return {
    async read() {
      const piece = await source.read()
      size += piece?.length ?? 0
      if (size <= bytesMax) return piece
      source.cancel()
      throw tooMany()
    },
    cancel: () => source.cancel(),
  }
}

/** For what takes streams. */
export async function* piecesOf(source: ByteSource): AsyncGenerator<Buffer> {
  for (;;) {
    const piece = await source.read()
    if (piece === undefined) return
    yield piece
  }
}
