import type { RunId } from './ids.ts'
import type { Report, Traffic } from './run.ts'

/** Longest piece of a body that crosses between host and cell. Bounds what one run has in memory on its way. */
export const PIECE_BYTES_MAX = 256 << 10
/** Bytes of a response that may be on their way from a guest to its client's socket: what hides the way there and back. */
export const WINDOW_BYTES = 512 << 10
/** Calls for the bodies of a run that may wait for an answer at once. They are not the guest's, and not counted as its. */
export const STREAM_CALLS_MAX = 10
/** Pieces of a response that may be on their way. Of the other calls one reads, and one says something of the response. */
export const WINDOW_PIECES = STREAM_CALLS_MAX - 2
/** Headers that a request or a response may have. Real ones have a few dozen. */
export const HEADERS_MAX = 128
/** Names and values of a response's headers together. Browsers and proxies refuse more than some 16 to 64 KiB. */
export const HEADER_BYTES_MAX = 32 << 10
/** What the description of a response adds to its body: headers with the escapes of JSON, status, names of fields. */
const DESCRIPTION_BYTES_MAX = 6 * HEADER_BYTES_MAX + 16 * HEADERS_MAX + 2_000

/** Longest result of a run that answers an HTTP request whole: its body in base64, and the description around it. */
export function wholeResponseMax(outputBytes: number): number {
  return 4 * Math.ceil(outputBytes / 3) + DESCRIPTION_BYTES_MAX
}

/**
 * The HTTP request that a run answers, and the way to whoever sent it. The broker calls it on behalf of the guest; a door
 * implements it. Its user sees to it that there is one read at a time, and no more than {@link WINDOW_BYTES} to be written.
 *
 * Invariant: what is in memory of a body is bounded. A piece is read when the guest asks, and written when there is room.
 */
export interface Exchange {
  /** Bytes of bodies so far: those that the guest was given, and those that have left or will leave for the client. */
  readonly traffic: Traffic
  /** The next piece of the request's body, of at most {@link PIECE_BYTES_MAX}; `end` after the last, `gone` if there is none to come. */
  read(): Promise<Uint8Array | 'end' | 'gone'>
  /** Sends the head of a response whose body comes in pieces. Returns what is wrong with it; undefined if it has left. */
  respond(run: RunId, head: unknown): string | undefined
  /** Sends a piece of the body. Resolves when there is room for another, however long the client takes. */
  write(piece: Uint8Array): Promise<'written' | 'gone'>
  /** The body is whole: the run goes on without a client from here on. */
  end(): void
  /** Takes what the run has answered whole, before it is charged for. It leaves only after that. */
  conclude(report: Report): void
}
