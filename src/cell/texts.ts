import { memoryReached } from '../core/limit-messages.ts'

/** Texts that a run ends with, or that it is told. */

/** What a run can wait for in vain. */
export const NEVER = {
  module: 'the top-level await of the code',
  function: 'the function',
  waitUntil: 'the function has returned, but a promise given to context.waitUntil',
} as const

export function neverText(waitsFor: keyof typeof NEVER): string {
  return (
    `${NEVER[waitsFor]} will never settle: it waits for a promise that nothing can settle, ` +
    'as no call, no timer and no other work of the run is pending'
  )
}

/** The guest's own error, and which limit is behind it. */
export function noMemoryText(text: string, memoryMb: number): string {
  const error = JSON.parse(text) as { name: string; message: string; stack: string }
  return errorText(error.name, `${error.message}: ${memoryReached(memoryMb)}`, error.stack)
}

/** What isolated-vm says in place of a thrown object. */
const OBJECT_THROWN = 'An object was thrown from supplied code within isolated-vm'

/** What a promise was rejected with: an error as text, a primitive as itself where JSON can hold it. */
export function rejectionText(thrown: unknown): string {
  const [name, message, stack] = ['name', 'message', 'stack'].map((part) => textOf(thrown, part))
  if (message?.startsWith(OBJECT_THROWN) === true) return errorText('', 'an object that is no Error')
  const isHeld =
    thrown === null || ['string', 'boolean', 'undefined'].includes(typeof thrown) || Number.isFinite(thrown)
  const text = errorText(name ?? '', message ?? '', stack)
  if (!isHeld) return text
  const primitive = thrown === undefined ? [] : [typeof thrown === 'string' ? thrown.slice(0, 4_096) : thrown]
  return JSON.stringify({ ...(JSON.parse(text) as object), primitive })
}

export function errorText(name: string, message: string, stack = ''): string {
  return withoutRuntimeFrames(
    JSON.stringify({ name: name.slice(0, 200), message: message.slice(0, 4_096), stack: stack.slice(0, 8_192) }),
  )
}

/** A property of something thrown, as text. isolated-vm copied it into this realm: a plain value or an Error. */
export function textOf(thrown: unknown, name: string): string {
  if (typeof thrown !== 'object' || thrown === null) return name === 'message' ? String(thrown) : ''
  const value = (thrown as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : ''
}

/** Stacks show the tenant's own lines only: nothing of the runtime, the cell or isolated-vm. */
export function withoutRuntimeFrames(text: string): string {
  const error = JSON.parse(text) as { name: string; message: string; stack: string }
  const lines = error.stack.split('\n').filter((line) => !HIDDEN_FRAME.test(line))
  return JSON.stringify({ ...error, stack: lines.join('\n') })
}

/** What isolated-vm adds to an error of the compiler that has no line of the guest's. */
export const UNPLACED = / \[<isolated-vm>:\d+:\d+\]/g

const HIDDEN_FRAME = /cloister:|<isolated-vm boundary>|file:|node:|^\s+at .*[(\s]\/|cell-[0-9a-f]+\.c?js/
