/**
 * Every way in which a run can end. All of them are metered and billed: the guest's code ran. The list is closed, and
 * each ending has one label, which the API, the ledger, metrics and the documents share.
 */
export interface OutcomeFacts {
  /** What the CLI exits with: 0 ok, 1 the guest's code failed, 124 a limit ended the run. */
  readonly exit: 0 | 1 | 124
  /** What made it end so, for the README's table. */
  readonly when: string
}

/* prettier-ignore */
export const OUTCOMES = {
  'ok':              { exit: 0,   when: 'the code returned a value that is JSON' },
  'error':           { exit: 1,   when: 'the code threw, did not compile, returned what JSON cannot hold, or waits for what can never happen' },
  'timeout':         { exit: 124, when: 'wall time reached `limits.wallMs`, or the `timeoutMs` of the call' },
  'cpu-exceeded':    { exit: 124, when: 'CPU time of the cell, by the kernel, reached `limits.cpuMs`' },
  'memory-exceeded': { exit: 124, when: 'heap or process memory passed `limits.memoryMb`' },
  'output-exceeded': { exit: 124, when: 'the result is longer than `limits.outputBytes`' },
  'crashed':         { exit: 1,   when: 'the code brought its cell down' },
  'cancelled':       { exit: 1,   when: 'the caller went away or aborted' },
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
