import { DOMException } from './dom-exception.ts'

const BLANK = /[\t\n\f\r ]+/g

/** Text of one character a byte as base64: HTML, "btoa". */
export function btoa(data: unknown): string {
  need(arguments.length, 'btoa')
  const text = `${data as string}`
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit > 255) {
      throw new DOMException(`character ${index} of the text is above U+00FF`, 'InvalidCharacterError')
    }
    bytes[index] = unit
  }
  return bytes.toBase64()
}

/** The other way: HTML, "atob". */
export function atob(data: unknown): string {
  need(arguments.length, 'atob')
  const bytes = decodeBase64(`${data as string}`)
  if (bytes === undefined) throw new DOMException('the text is not base64', 'InvalidCharacterError')
  let binary = ''
  for (let from = 0; from < bytes.length; from += 4_096) {
    binary += String.fromCharCode(...bytes.subarray(from, from + 4_096))
  }
  return binary
}

/** Infra, "forgiving-base64 decode", which takes blanks and does without padding. Undefined for what is not base64. */
export function decodeBase64(given: string): Uint8Array | undefined {
  let text = given.replace(BLANK, '')
  if (text.length % 4 === 0) text = text.replace(/={1,2}$/, '')
  // What is left has no padding; bits at the end that make no byte are dropped.
  if (text.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(text)) return undefined
  return Uint8Array.fromBase64(text)
}

function need(count: number, name: string): void {
  if (count === 0) throw new TypeError(`${name} takes one argument, and got none`)
}
