import { HEADERS_MAX, HEADER_BYTES_MAX } from '../../src/core/exchange.ts'

/** Throws TypeError for headers of a response that are more than the host sends. */
export function checkHead(headers: readonly (readonly [name: string, value: string])[]): void {
  if (headers.length > HEADERS_MAX) {
    throw new TypeError(`the response has ${headers.length} headers; at most ${HEADERS_MAX} can be sent`)
  }
  const size = headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (size > HEADER_BYTES_MAX) {
    throw new TypeError(`the headers of the response have ${size} bytes; at most ${HEADER_BYTES_MAX} can be sent`)
  }
}
