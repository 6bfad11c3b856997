import { ReadableStream, WritableStream } from './streams.ts'

/** Makes output of input, one piece whenever the next is asked for. */
export interface Pieces {
  /** What becomes of one chunk. Throws what the streams then fail with. Awaits `wanted` before it makes a piece. */
  feed(chunk: unknown, wanted: () => Promise<void>): AsyncIterable<unknown>
  /** What is left at the end. */
  finish(wanted: () => Promise<void>): AsyncIterable<unknown>
  /** Nothing more is asked for. */
  close(): void
}

/**
 * A pair of streams as a TransformStream has them, but for this: of a chunk that becomes many pieces, each is made when the
 * reader wants it. In a TransformStream all of them would wait in its queue.
 */
export function createDemandStream(pieces: Pieces): { readable: ReadableStream; writable: WritableStream } {
  let wanted = Promise.withResolvers<void>()
  let given = (): void => {}
  let reader: { enqueue(chunk: unknown): void; close(): void; error(reason: unknown): void } | undefined
  let writer: { error(reason: unknown): void } | undefined
  let ended: { readonly reason: unknown } | undefined

  const end = (reason: unknown): void => {
    ended ??= { reason }
    wanted.resolve()
    given()
    pieces.close()
  }
  const fail = (reason: unknown): void => {
    end(reason)
    reader?.error(reason)
  }
  const whenWanted = (): Promise<void> => wanted.promise
  const give = (piece: unknown): void => {
    wanted = Promise.withResolvers()
    reader?.enqueue(piece)
    given()
  }
  const giveAll = async (all: AsyncIterable<unknown>): Promise<void> => {
    try {
      for await (const piece of all) {
        if (ended !== undefined) break
        give(piece)
      }
    } catch (error) {
      fail(error)
      throw error
    }
    if (ended !== undefined) throw ended.reason
  }

  const readable = new ReadableStream(
    {
      start(controller: NonNullable<typeof reader>) {
        reader = controller
      },
      pull() {
        const done = Promise.withResolvers<void>()
        given = done.resolve
        wanted.resolve()
        return done.promise
      },
      cancel(reason: unknown) {
        end(reason)
        writer?.error(reason)
      },
    },
    { highWaterMark: 0 },
  )
  const writable = new WritableStream({
    start(controller: NonNullable<typeof writer>) {
      writer = controller
    },
    async write(chunk: unknown) {
      await giveAll(pieces.feed(chunk, whenWanted))
    },
    async close() {
      await giveAll(pieces.finish(whenWanted))
      reader?.close()
      given()
    },
    abort: fail,
  })
  return { readable, writable }
}
