import { ErrorEvent } from './error-event.ts'
import { fire } from './event-target.ts'
import { type Rejection, getHost } from './host.ts'
import { PromiseRejectionEvent } from './promise-rejection-event.ts'
import { needArguments } from './webidl.ts'

/** An `error` event is on its way: an error of its listeners is not told of by another. */
let isReporting = false

/** HTML, "report an exception": tells of an error that nobody caught. Returns whether the guest has dealt with it. */
export function reportUncaught(error: unknown): boolean {
  if (isReporting) return false
  isReporting = true
  try {
    return !fire(globalThis, new ErrorEvent('error', { ...locate(error), error, cancelable: true }))
  } finally {
    isReporting = false
  }
}

/** Tells of an error that nobody caught, and ends the run unless the guest has dealt with it. */
export function reportException(error: unknown): void {
  if (!reportUncaught(error)) getHost().fail(error)
}

/** HTML, "reportError". */
export function reportError(e: unknown): void {
  needArguments(arguments.length, 1, 'reportError')
  reportException(e)
}

/**
 * Tells of a promise whose rejection nobody handled. Returns whether the guest has dealt with it. The promise itself is not
 * known here, and of an error only its text: both are made again.
 */
export function reportRejection(rejection: Rejection): boolean {
  const reason = rejection.primitive === undefined ? remake(rejection) : rejection.primitive[0]
  const { promise, reject } = Promise.withResolvers()
  // Before it is rejected, so that it is not one more rejection that nobody handles.
  promise.catch(() => {})
  reject(reason)
  return !fire(globalThis, new PromiseRejectionEvent('unhandledrejection', { promise, reason, cancelable: true }))
}

const ERRORS: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

function remake({ name, message, stack }: Rejection): Error {
  const Known = Object.hasOwn(ERRORS, name) ? ERRORS[name] : undefined
  const error = new (Known ?? Error)(message)
  const own = { writable: true, configurable: true, enumerable: false }
  if (Known === undefined && name !== '') Object.defineProperty(error, 'name', { value: name, ...own })
  Object.defineProperty(error, 'stack', { value: stack, ...own })
  return error
}

/** Where the first line of a stack is: `at name (file:line:column)` or `at file:line:column`. */
const PLACE = /^\s+at (?:.*\()?([^()\n]*?):(\d+):(\d+)\)?$/m

function locate(error: unknown): { message: string; filename: string; lineno: number; colno: number } {
  try {
    if (!Error.isError(error)) return { message: `Uncaught ${String(error)}`, filename: '', lineno: 0, colno: 0 }
    const [, filename = '', line = 0, column = 0] = PLACE.exec(String(error.stack)) ?? []
    return { message: `Uncaught ${String(error)}`, filename, lineno: Number(line), colno: Number(column) }
  } catch {
    // The guest's own `toString` or getter threw.
    return { message: 'Uncaught', filename: '', lineno: 0, colno: 0 }
  }
}
