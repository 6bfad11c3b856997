import type { IncomingHttpHeaders } from 'node:http'
import { CloisterError } from '../core/errors.ts'

const KEY = /^[!-~]{1,255}$/

/** Whether the caller asks not to wait: `Prefer: respond-async` (RFC 7240). */
export function prefersAsync({ prefer }: IncomingHttpHeaders): boolean {
  const given = Array.isArray(prefer) ? prefer.join(',') : (prefer ?? '')
  return given.split(',').some((preference) => /^\s*respond-async\s*(;|$)/i.test(preference))
}

/** The key under which a call takes place once. Throws INVALID_REQUEST. */
export function readIdempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['idempotency-key']
  if (given === undefined || (typeof given === 'string' && KEY.test(given))) return given
  throw new CloisterError('INVALID_REQUEST', 'Idempotency-Key must be 1 to 255 characters, all visible ASCII')
}
