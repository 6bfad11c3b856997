/** How a peer came out of a program: with its answer, or not. */
export type Ending =
  { readonly kind: 'answered'; readonly text: string } | { readonly kind: 'broken'; readonly why: string }

/** A runtime that is asked. One program at a time for each call; what one leaves behind, the next does not meet. */
export interface Peer extends AsyncDisposable {
  readonly name: string
  readonly version: string
  /** Runs a program of program.ts. Ends it `graceMs` after `timeoutMs`, by which it should have ended itself. */
  run(program: string, timeoutMs: number): Promise<Ending>
}

/** What a peer has over the time that a test is given, for starting and for a loop that never yields. */
export const GRACE_MS = 10_000
