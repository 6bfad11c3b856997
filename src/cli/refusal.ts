import { CloisterError, ERRORS, type ErrorCode } from '../core/errors.ts'
import { at, numberAt, textAt } from './json.ts'
import { EXIT_HOST_FAULT, EXIT_REFUSED, EXIT_USAGE, Stop } from './stop.ts'

/** What an answer of 400 or more says: the CloisterError of the API, or a Stop if it is none of the API's. */
export function readRefusal({
  status,
  body,
}: {
  readonly status: number
  readonly body: string
}): CloisterError | Stop {
  const answer = parseOrUndefined(body)
  const code = textAt(answer, 'error', 'code') ?? ''
  const message = textAt(answer, 'error', 'message') ?? `HTTP ${status}`
  if (isErrorCode(code)) {
    const retryAfterMs = numberAt(answer, 'error', 'retryAfterMs')
    return new CloisterError(code, message, retryAfterMs === undefined ? {} : { retryAfterMs })
  }
  // A newer server, or something that is not Cloister at all: the HTTP status has to do.
  const exit = status >= 500 ? EXIT_HOST_FAULT : status === 400 ? EXIT_USAGE : EXIT_REFUSED
  const next =
    at(answer, 'error') === undefined ? 'check that CLOISTER_URL is the address of a Cloister server' : undefined
  return new Stop(`${code === '' ? '' : `${code}: `}${message}`, next === undefined ? { exit } : { exit, next })
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text)
}
