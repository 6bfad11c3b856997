/**
 * Every way in which a run can end. All of them are metered and billed: the guest's code ran. The list is closed, and
 * each ending has one label, which the API, the ledger, metrics and the documents share.
 */
export interface OutcomeFacts {
  /** What the CLI exits with: 0 ok, 1 the guest's code failed, 124 a limit ended the run. */
  readonly exit: 0 | 1 | 124
  /** HTTP status with which a function that was called over HTTP answers, if it has not answered itself. */
  readonly http: number
  /** What such a caller is told. Nothing of the guest's. */
  readonly failure: string
  /** What made it end so, for the README's table. */
  readonly when: string
}

/* prettier-ignore */
export const OUTCOMES = {
  'ok':              { exit: 0,   http: 502, failure: 'the function gave a response that cannot be sent', when: 'the code returned a value that is JSON' },
  'error':           { exit: 1,   http: 500, failure: 'the function failed', when: 'the code threw, did not compile, returned what JSON cannot hold, or waits for what can never happen' },
  'timeout':         { exit: 124, http: 504, failure: 'the function did not answer in time', when: 'wall time reached `limits.wallMs`, or the `timeoutMs` of the call' },
  'cpu-exceeded':    { exit: 124, http: 504, failure: 'the function used more CPU time than it may', when: 'CPU time of the cell, by the kernel, reached `limits.cpuMs`' },
  'memory-exceeded': { exit: 124, http: 502, failure: 'the function used more memory than it may', when: 'heap or process memory passed `limits.memoryMb`' },
  'output-exceeded': { exit: 124, http: 502, failure: 'the response of the function is longer than it may be', when: 'the result is longer than `limits.outputBytes`, or a streamed body than `limits.streamOutBytes`' },
  'crashed':         { exit: 1,   http: 502, failure: 'the function crashed', when: 'the code brought its cell down' },
  'cancelled':       { exit: 1,   http: 499, failure: 'the client went away', when: 'the caller went away or aborted' },
  'suspended':       { exit: 0,   http: 502, failure: 'the function waits', when: 'a durable function waits for a time or an event; its execution goes on in another run' },
} as const satisfies Record<string, OutcomeFacts>

export type RunStatus = keyof typeof OUTCOMES

/** All endings, in the order of the table. */
export const RUN_STATUSES = Object.keys(OUTCOMES) as readonly RunStatus[]

/** Whether text that came from outside names an ending. */
export function isRunStatus(text: string): text is RunStatus {
  return Object.hasOwn(OUTCOMES, text)
}

/** Fails to compile where a union gains a member that a switch does not handle. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`)
}
