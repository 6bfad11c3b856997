import type { IncomingHttpHeaders } from 'node:http'
import { CloisterError } from '../core/errors.ts'
import { quoted } from './quoted.ts'

/** Who calls, and which of an alias's versions they want. */
export interface CallerTarget {
  /** A version of those that the alias leads to, at whatever share. */
  readonly prefer?: number
  /** The same caller meets the same version while a canary lasts. */
  readonly caller?: string
}

/** Names the caller, as a header or as a cookie. */
export const CALLER_NAME = 'cloister-caller'
/** Asks for a version, also for a canary at 0 %. */
export const VERSION_NAME = 'cloister-version'
const CALLER_LENGTH_MAX = 200
const NONE: CallerTarget = Object.freeze({})

/** Reads what a request says of its caller. Throws INVALID_REQUEST for a header that cannot be used. */
export function readCallerTarget(headers: IncomingHttpHeaders): CallerTarget {
  const wanted = headers[VERSION_NAME]
  const caller = headers[CALLER_NAME] ?? cookieOf(headers.cookie)
  if (wanted === undefined && caller === undefined) return NONE
  return {
    ...(wanted !== undefined && { prefer: versionOf(String(wanted)) }),
    ...(caller !== undefined && { caller: callerOf(String(caller)) }),
  }
}

function versionOf(text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text)
  throw new CloisterError('INVALID_REQUEST', `the header ${VERSION_NAME} is ${quoted(text)}, which is no version`)
}

function callerOf(text: string): string {
  if (text.length <= CALLER_LENGTH_MAX) return text
  throw new CloisterError('INVALID_REQUEST', `the header ${CALLER_NAME} is longer than ${CALLER_LENGTH_MAX} characters`)
}

/** A cookie is the browser's word, not the caller's: one that cannot be used is left aside. */
function cookieOf(cookies: string | undefined): string | undefined {
  const value = cookies && /(?:^|;\s*)cloister-caller=([^;]*)/.exec(cookies)?.[1]
  return value === undefined || value === '' || value.length > CALLER_LENGTH_MAX ? undefined : value
}
