import { CapabilityError, type CapabilityErrorCode } from '../capability.ts'

/** What a request can fail of; the guest sees the code as `error.cause.code` of a TypeError. */
const BY_CODE: Readonly<Record<string, readonly [CapabilityErrorCode, string]>> = {
  UND_ERR_CONNECT_TIMEOUT: ['TIMEOUT', 'the server did not take the connection in time'],
  ETIMEDOUT: ['TIMEOUT', 'the server did not take the connection in time'],
  UND_ERR_HEADERS_OVERFLOW: ['RESPONSE_TOO_LARGE', 'the headers of the response are longer than the policy allows'],
  ECONNREFUSED: ['CONNECT_FAILED', 'the server takes no connection'],
  EHOSTUNREACH: ['CONNECT_FAILED', 'there is no way to the server'],
  ENETUNREACH: ['CONNECT_FAILED', 'there is no way to the server'],
  EADDRNOTAVAIL: ['CONNECT_FAILED', 'there is no way to the server'],
  ECONNRESET: ['CONNECTION_LOST', 'the server broke the connection off'],
  EPIPE: ['CONNECTION_LOST', 'the server broke the connection off'],
  UND_ERR_SOCKET: ['CONNECTION_LOST', 'the server closed the connection before its answer was complete'],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ['RESPONSE_INVALID', 'the body of the response has another length than it says'],
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: ['INVALID_ARGUMENT', 'the body of the request has another length than it says'],
  UND_ERR_INVALID_ARG: ['INVALID_ARGUMENT', 'the request cannot be written as HTTP'],
}

/** What the guest is told of whatever a request failed with. Nothing of the host's own network is in it. */
export function failureOf(thrown: unknown): CapabilityError {
  if (thrown instanceof CapabilityError) return thrown
  const code = codeOf(thrown)
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined
  if (known !== undefined) return new CapabilityError(...known)
  if (code.startsWith('HPE_')) return new CapabilityError('RESPONSE_INVALID', 'the response is not HTTP')
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|UNABLE_TO|SELF_SIGNED|EPROTO|HOSTNAME_|ERR_OSSL)/.test(code)) {
    return new CapabilityError('TLS_FAILED', `the server's certificate or TLS is not accepted (${code.slice(0, 60)})`)
  }
  return new CapabilityError('CONNECT_FAILED', 'the request failed on its way')
}

function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return ''
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code
  // Of several addresses that were tried the last one's reason will do.
  return thrown instanceof AggregateError ? codeOf(thrown.errors.at(-1)) : ''
}
