import { memoryReached } from '../core/limit-messages.ts'
import { errorText, textOf, withoutOrigin } from './error-text.ts'

/** Texts that a run ends with, or that it is told. */

/** isolated-vm's own words for its own limit; a guest that says the same is told apart by the clock. */
export const TIMED_OUT = 'Script execution timed out.'

/** V8's words for memory that it could not have: a limit of the run's, though its code could have caught it. */
export const NO_MEMORY = /Array buffer allocation failed|\bOut of memory\b|could not allocate memory/

/** What a run can wait for in vain. */
export const NEVER = {
  module: 'the top-level await of the code',
  function: 'the function',
  waitUntil: 'the function has returned, but a promise given to context.waitUntil',
} as const

/** The error of such a wait. */
export function neverText(waitsFor: keyof typeof NEVER): string {
  const message =
    `${NEVER[waitsFor]} will never settle: it waits for a promise that nothing can settle, ` +
    'as no call, no timer and no other work of the run is pending'
  return errorText('Error', message)
}

/** The guest's own error, and which limit is behind it. */
export function noMemoryText(text: string, memoryMb: number): string {
  const error = JSON.parse(text) as { name: string; message: string; stack: string }
  return errorText(error.name, `${error.message}: ${memoryReached(memoryMb)}`, error.stack)
}

/** What isolated-vm says in place of a thrown object. */
const OBJECT_THROWN = 'An object was thrown from supplied code within isolated-vm'

/** What a promise was rejected with: an error as text, a primitive as itself where JSON can hold it. */
export function rejectionText(thrown: unknown, origin = ''): string {
  const [name, message, stack] = ['name', 'message', 'stack'].map((part) => withoutOrigin(textOf(thrown, part), origin))
  if (message?.startsWith(OBJECT_THROWN) === true) return errorText('', 'an object that is no Error')
  const isHeld =
    thrown === null || ['string', 'boolean', 'undefined'].includes(typeof thrown) || Number.isFinite(thrown)
  const text = errorText(name ?? '', message ?? '', stack)
  if (!isHeld) return text
  const primitive = thrown === undefined ? [] : [typeof thrown === 'string' ? thrown.slice(0, 4_096) : thrown]
  return JSON.stringify({ ...(JSON.parse(text) as object), primitive })
}
