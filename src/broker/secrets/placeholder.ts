import { randomBytes } from 'node:crypto'

const PREFIX = 'cloister-secret.'
const NONCE_BYTES = 16
/** Letters, digits, `.`, `_` and `-` only: no header, URL or JSON text changes any of it. */
const PLACEHOLDER = /cloister-secret\.([A-Z][A-Z0-9_]{0,62})\.([0-9a-f]{32})/g
/** One character less than the longest placeholder. */
const TAIL_MAX = PREFIX.length + 63 + 1 + 2 * NONCE_BYTES - 1
/** What a text may end with so that it goes on as a placeholder. */
const BEGUN = /^cloister-secret\.([A-Z][A-Z0-9_]{0,62}(\.[0-9a-f]{0,31})?)?$/

/** What the name of a secret must look like: 1 to 63 of `A-Z 0-9 _`, a letter first. */
export const SECRET_NAME = /^[A-Z][A-Z0-9_]{0,62}$/

/** What stands for a secret in one run. Nobody outside the run can know its nonce, so no input can smuggle one in. */
export function placeholderOf(name: string, nonce: string): string {
  return `${PREFIX}${name}.${nonce}`
}

/** The nonce of a run. */
export function newNonce(): string {
  return randomBytes(NONCE_BYTES).toString('hex')
}

/** Gives every placeholder in a text another text. */
export function replacePlaceholders(text: string, by: (name: string, nonce: string) => string): string {
  if (!text.includes(PREFIX)) return text
  return text.replaceAll(PLACEHOLDER, (_, name: string, nonce: string) => by(name, nonce))
}

/** How many characters at the end of a text may be the beginning of a placeholder that is not all there. */
export function unfinishedLength(text: string): number {
  for (let start = Math.max(0, text.length - TAIL_MAX); start < text.length; start += 1) {
    const tail = text.slice(start)
    if (PREFIX.startsWith(tail) || BEGUN.test(tail)) return tail.length
  }
  return 0
}
