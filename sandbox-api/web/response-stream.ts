import type { ByteStream } from './body-stream.ts'
import { ReadableStream } from './streams.ts'

interface Piece {
  readonly body: string
  readonly done: boolean
}

/**
 * The body of a response, of which the first bytes are there. The host is asked for more only when more is read, and told
 * when no more is wanted. An abort makes the stream fail with its reason.
 */
export function streamOfResponse(
  first: Uint8Array,
  aborted: { readonly promise: Promise<never>; stop(): void },
  ask: (verb: 'read' | 'cancel') => Promise<unknown>,
): ByteStream {
  let next: Uint8Array | undefined = first.length > 0 ? first : undefined
  const cancel = (): void => {
    aborted.stop()
    ask('cancel').catch(() => undefined)
  }
  return new ReadableStream(
    {
      type: 'bytes',
      start(controller) {
        aborted.promise.catch((reason: unknown) => {
          cancel()
          controller.error(reason)
        })
      },
      async pull(controller) {
        let isDone = false
        if (next === undefined) {
          const { body, done } = (await ask('read')) as Piece
          next = Uint8Array.fromBase64(body)
          isDone = done
        }
        if (next.length > 0) controller.enqueue(next as Uint8Array<ArrayBuffer>)
        next = undefined
        if (!isDone) return
        aborted.stop()
        controller.close()
        controller.byobRequest?.respond(0)
      },
      cancel,
    },
    { highWaterMark: 0 },
  )
}
