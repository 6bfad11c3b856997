/**
 * Every way in which the platform itself says no. A code is a contract; its facts sit on its line; the message is for
 * people. What guest code does is not an error but an outcome: see outcome.ts.
 */
export interface ErrorFacts {
  /** Who can mend it. */
  readonly fault: 'caller' | 'tenant' | 'host'
  /** The HTTP status that carries it. */
  readonly http: number
  /** `after-change`: only a different request can succeed. `later`: the same request may. */
  readonly retry: 'after-change' | 'later'
  /** What the CLI exits with: 2 usage, 3 refused, 70 host fault. */
  readonly exit: 2 | 3 | 70
  /** When it is answered, for the README's table. */
  readonly when: string
}

/* prettier-ignore */
export const ERRORS = {
  INVALID_JSON:       { fault: 'caller', http: 400, retry: 'after-change', exit: 2,  when: 'the body is not JSON' },
  INVALID_REQUEST:    { fault: 'caller', http: 400, retry: 'after-change', exit: 2,  when: 'a field is missing, unknown or out of bounds; the message names it' },
  INVALID_INPUT:      { fault: 'caller', http: 400, retry: 'after-change', exit: 2,  when: '`input` is not JSON' },
  INVALID_CODE:       { fault: 'caller', http: 400, retry: 'after-change', exit: 2,  when: 'code to be deployed does not compile, or throws or crashes when it is loaded' },
  NO_HANDLER:         { fault: 'caller', http: 400, retry: 'after-change', exit: 2,  when: 'code to be deployed exports no default function and no handler, or a function has none for this call' },
  START_TOO_SLOW:     { fault: 'caller', http: 400, retry: 'after-change', exit: 2,  when: 'code to be deployed takes too long to load' },
  START_TOO_LARGE:    { fault: 'caller', http: 400, retry: 'after-change', exit: 2,  when: 'code to be deployed takes more memory to load than the policy allows' },
  INVALID_POLICY:     { fault: 'caller', http: 400, retry: 'after-change', exit: 2,  when: 'a policy has faults; the message lists each with its path' },
  INVALID_TENANT:     { fault: 'caller', http: 400, retry: 'after-change', exit: 2,  when: 'a tenant name is not 1 to 63 of a-z, 0-9 and -, a letter first' },
  INVALID_PERIOD:     { fault: 'caller', http: 400, retry: 'after-change', exit: 2,  when: 'a period is not YYYY-MM, or a time is not ISO 8601' },
  UNAUTHENTICATED:    { fault: 'caller', http: 401, retry: 'after-change', exit: 3,  when: 'the key is missing, unknown or revoked' },
  BUDGET_EXCEEDED:    { fault: 'tenant', http: 402, retry: 'later',        exit: 3,  when: 'the most that the run can cost, besides operations, does not fit what is left of the budget' },
  FORBIDDEN:          { fault: 'caller', http: 403, retry: 'after-change', exit: 3,  when: 'the key may not do this: another tenant, or an admin call' },
  WALLS_TOO_WEAK:     { fault: 'host',   http: 403, retry: 'after-change', exit: 3,  when: 'the policy asks for walls that this machine does not have up' },
  NOT_FOUND:          { fault: 'caller', http: 404, retry: 'after-change', exit: 3,  when: 'no such tenant, key, function, run or route' },
  METHOD_NOT_ALLOWED: { fault: 'caller', http: 405, retry: 'after-change', exit: 2,  when: 'the route exists, the method does not' },
  PRECONDITION_FAILED:{ fault: 'caller', http: 412, retry: 'after-change', exit: 3,  when: 'what is stored is not what `If-Match` or `If-None-Match` asks for' },
  CONFLICT:           { fault: 'caller', http: 409, retry: 'after-change', exit: 3,  when: 'the change contradicts what is stored' },
  TOO_LARGE:          { fault: 'caller', http: 413, retry: 'after-change', exit: 3,  when: 'code, input or body is over its bound; the message names the bound' },
  RANGE_NOT_SATISFIABLE: { fault: 'caller', http: 416, retry: 'after-change', exit: 3, when: 'the range begins behind the end' },
  QUOTA_EXCEEDED:     { fault: 'tenant', http: 507, retry: 'after-change', exit: 3,  when: 'it would take more than the policy lets the tenant store' },
  UNSUPPORTED_MEDIA:  { fault: 'caller', http: 415, retry: 'after-change', exit: 2,  when: 'the body is not application/json' },
  RATE_LIMITED:       { fault: 'tenant', http: 429, retry: 'later',        exit: 3,  when: 'more runs or units a second, or cells brought down, than the policy allows' },
  CONCURRENCY_LIMITED:{ fault: 'tenant', http: 429, retry: 'later',        exit: 3,  when: 'as many runs at once, and as many waiting, as the policy allows' },
  CANCELLED:          { fault: 'caller', http: 499, retry: 'after-change', exit: 3,  when: 'the caller went away before the run had started' },
  OVERLOADED:         { fault: 'host',   http: 503, retry: 'later',        exit: 3,  when: 'no turn or no cell came before the wait was over; nothing had started' },
  DRAINING:           { fault: 'host',   http: 503, retry: 'later',        exit: 3,  when: 'the host is shutting down' },
  INTERNAL:           { fault: 'host',   http: 500, retry: 'later',        exit: 70, when: 'the host failed; nothing is billed' },
} as const satisfies Record<string, ErrorFacts>

export type ErrorCode = keyof typeof ERRORS

interface Details {
  readonly cause?: unknown
  /** When a retry may help, if that is known. */
  readonly retryAfterMs?: number
}

/**
 * The one error class. Thrown for every refusal and every host fault; `code` is the contract, `message` is for people
 * and safe to show to the caller. Nothing that ends in one is ever billed.
 */
export class CloisterError extends Error {
  override readonly name = 'CloisterError'
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, { cause, retryAfterMs }: Details = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}

/** What a caller may see of anything that was thrown: host faults keep their cause to the log. */
export function asCloisterError(thrown: unknown): CloisterError {
  if (thrown instanceof CloisterError) return thrown
  return new CloisterError('INTERNAL', 'the host failed; nothing was billed', { cause: thrown })
}
