/** Shortest part of a secret that is looked for; less is found in texts that have nothing to do with it. */
const FORM_BYTES_MIN = 6

/**
 * The ways in which a response may give a secret back, as bytes: as it is, as JSON text (once, or twice as in the echo of a
 * JSON body), percent-encoded, and in base64, of which there are three, by where in a longer text the secret begins.
 */
export function formsOf(value: string): readonly Uint8Array[] {
  const plain = Buffer.from(value)
  const json = jsonText(value)
  const percent = percentEncoded(value)
  const forms = new Set([
    value,
    json,
    jsonText(json),
    json.replaceAll('/', '\\/'),
    ...[percent, encodeURIComponent(value), new URLSearchParams([['', value]]).toString().slice(1)].flatMap((text) => [
      text,
      text.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    ]),
    ...[0, 1, 2].flatMap((offset) => {
      const text = innerBase64(plain, offset)
      return [text, text.replaceAll('+', '-').replaceAll('/', '_')]
    }),
  ])
  const bytes = [...forms].filter((form) => form.length >= FORM_BYTES_MIN).map((form) => Buffer.from(form))
  // Headers are written with one byte a character where they can be.
  return isLatin1(value) && plain.length !== value.length ? [...bytes, Buffer.from(value, 'latin1')] : bytes
}

/** As URLs have it: all but letters, digits and `-._~`. */
export function percentEncoded(value: string): string {
  return encodeURIComponent(value).replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** As JSON has it, without the quotation marks around it. */
export function jsonText(value: string): string {
  return JSON.stringify(value).slice(1, -1)
}

/** What base64 makes of bytes that begin `offset` bytes into a group of three, whatever is before and after them. */
function innerBase64(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  // Characters that hold bits of a neighbour's byte are not the secret's alone.
  const first = [0, 2, 3][offset] ?? 0
  return text.slice(first, Math.floor(((offset + bytes.length) * 8) / 6))
}

function isLatin1(text: string): boolean {
  return !/[^\0-\xff]/.test(text)
}
