/** What the process ends with; the list is closed and the same as the API's tables. */
export type ExitCode = 0 | 1 | 2 | 3 | 70 | 124

export const EXIT_OK = 0
export const EXIT_FAILED = 1
export const EXIT_USAGE = 2
export const EXIT_REFUSED = 3
export const EXIT_HOST_FAULT = 70

interface Ending {
  readonly exit: ExitCode
  /** What to do about it: one line, printed under the message. */
  readonly next?: string
}

/**
 * A command cannot go on for a reason found on this side of the API: a file that is not there, a server that does not
 * answer. What the API itself refuses stays a CloisterError.
 */
export class Stop extends Error {
  override readonly name = 'Stop'
  readonly exit: ExitCode
  readonly next: string | undefined

  constructor(message: string, { exit, next }: Ending) {
    super(message)
    this.exit = exit
    this.next = next
  }
}
