import type { AbortSignal } from './abort-signal.ts'
import { Body } from './body.ts'
import { HeaderList } from './header-list.ts'
import { getHost, runNumber } from './host.ts'
import { type Request, followed, requestStateOf } from './request.ts'
import { type Response, createResponse } from './response.ts'
import { streamOfResponse } from './response-stream.ts'
import { writeBody } from './request-upload.ts'

/** What the host tells of a response. Its half is src/broker/fetch.ts. */
interface Answer {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly url: string
  readonly redirected: boolean
  readonly body: string
  readonly done: boolean
}

/** Requests of a run that wait for a response at once. More wait their turn here, where they cost the host nothing. */
const WAITING_MAX = 8
/** Longest body that goes along with its request. */
const INLINE_BYTES_MAX = 1 << 20
const NULL_BODY_STATUS = new Set([204, 205, 304])

let lastId = 0
let turns = { run: 0, taken: 0, queue: [] as (() => void)[] }

/** Sends a request to where it goes, if the policy grants that. Rejects with TypeError, whose `cause` has a `code`. */
export async function send(request: Request): Promise<Response> {
  const state = requestStateOf(request)
  const { url, integrity } = state
  const signals = followed(state)
  if (!getHost().isGranted('fetch')) {
    throw new TypeError(`fetch of ${url.slice(0, 200)} failed: the policy grants no outbound fetch`)
  }
  // Better refused than let through unchecked.
  if (integrity !== '') throw new TypeError('fetch failed: integrity is not supported; compare a digest of the body')
  const leave = await takeTurn()
  lastId += 1
  const id = lastId
  const aborted = whenAborted(signals)
  try {
    for (const signal of signals) signal.throwIfAborted()
    const answer = await Promise.race([ask(id, request), aborted.promise])
    return toResponse(id, request, answer, aborted)
  } catch (error) {
    aborted.stop()
    void call('fetch.cancel', [id]).catch(() => undefined)
    throw error
  } finally {
    leave()
  }
}

async function ask(id: number, request: Request): Promise<Answer> {
  const { method, url, headers, redirect, body } = requestStateOf(request)
  const description = { id, method, url, redirect, headers: headers.sorted() }
  const content = body === null || body.source === undefined ? undefined : await body.read()
  const bytes = typeof content === 'string' ? encode(content) : content
  const isStreamed = body !== null && (bytes === undefined || bytes.length > INLINE_BYTES_MAX)
  const answer = call('fetch.send', [
    { ...description, ...(isStreamed ? { stream: true } : bytes !== undefined && { body: bytes.toBase64() }) },
  ])
  if (!isStreamed) return (await answer) as Answer
  const written = writeBody(bytes ?? body.stream, (piece) => call('fetch.write', [id, piece?.toBase64() ?? null]))
  // A body that cannot be read fails the request; one that is not wanted any more does not.
  return (await Promise.race([answer, written.then(() => answer)])) as Answer
}

function toResponse(id: number, request: Request, answer: Answer, aborted: ReturnType<typeof whenAborted>): Response {
  const { status, statusText, url, redirected, done } = answer
  const headers = new HeaderList()
  for (const [name, value] of answer.headers) headers.append(name, value)
  const bytes = Uint8Array.fromBase64(answer.body)
  const isNull = NULL_BODY_STATUS.has(status) || requestStateOf(request).method === 'HEAD'
  let body: Body | null = null
  if (done) aborted.stop()
  if (isNull && !done) void call('fetch.cancel', [id]).catch(() => undefined)
  if (!isNull) {
    body = done
      ? new Body(bytes)
      : new Body(
          undefined,
          streamOfResponse(bytes, aborted, (verb) => call(`fetch.${verb}`, [id])),
        )
  }
  return createResponse({ type: 'basic', url, status, statusText, redirected, headers, guard: 'immutable', body })
}

/** Calls the host; what goes wrong is a TypeError, as the standard wants it, with the reason as its cause. */
async function call(operation: string, args: readonly unknown[]): Promise<unknown> {
  try {
    return await getHost().callHost(operation, args)
  } catch (cause) {
    throw new TypeError(`fetch failed: ${(cause as Error).message}`, { cause })
  }
}

/** A promise that is rejected once one of the signals aborts. */
function whenAborted(signals: readonly AbortSignal[]): { readonly promise: Promise<never>; stop(): void } {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => undefined)
  if (signals.length === 0) return { promise, stop: () => undefined }
  const { addAbortAlgorithm, removeAbortAlgorithm } = require('./abort-signal.ts') as typeof import('./abort-signal.ts')
  const algorithms = signals.map((signal) => {
    const algorithm = (): void => reject(signal.reason)
    addAbortAlgorithm(signal, algorithm)
    return { signal, algorithm }
  })
  return {
    promise,
    stop() {
      for (const { signal, algorithm } of algorithms) removeAbortAlgorithm(signal, algorithm)
    },
  }
}

/** Waits until fewer requests of the run are under way. What is given back lets the next one in. */
async function takeTurn(): Promise<() => void> {
  // What an earlier run has left waiting is gone.
  if (turns.run !== runNumber()) turns = { run: runNumber(), taken: 0, queue: [] }
  const mine = turns
  if (mine.taken >= WAITING_MAX) await new Promise<void>((resolve) => mine.queue.push(resolve))
  mine.taken += 1
  return () => {
    mine.taken -= 1
    mine.queue.shift()?.()
  }
}

function encode(text: string): Uint8Array {
  const { encodeUtf8 } = require('./encoding/encode.ts') as typeof import('./encoding/encode.ts')
  return encodeUtf8(text)
}
