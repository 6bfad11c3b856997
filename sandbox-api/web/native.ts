import type { NativeValue } from '../bridge.ts'
import { getHost } from './host.ts'

interface Waiting {
  readonly resolve: (value: NativeValue) => void
  readonly reject: (error: unknown) => void
}

const waiting = new Map<number, Waiting>()

/** Does an operation of the cell's native code at once. Throws the error that the web's own API would. */
export function callNative(operation: string, ...args: readonly NativeValue[]): NativeValue {
  try {
    return getHost().callNative(operation, args)
  } catch (error) {
    throw toError((error as Error).message)
  }
}

/** Starts an operation of the cell's native code that takes longer; the run goes on until it has ended. */
export function startNative(operation: string, ...args: readonly NativeValue[]): Promise<NativeValue> {
  return new Promise((resolve, reject) => {
    let task: number
    try {
      task = getHost().startNative(operation, args)
    } catch (error) {
      throw toError((error as Error).message)
    }
    waiting.set(task, { resolve, reject })
  })
}

export function finishNative(task: number, value: NativeValue): void {
  const found = waiting.get(task)
  waiting.delete(task)
  found?.resolve(value)
}

export function failNative(task: number, fault: string): void {
  const found = waiting.get(task)
  waiting.delete(task)
  found?.reject(toError(fault))
}

const LANGUAGE_ERRORS: Readonly<Record<string, ErrorConstructor>> = { Error, TypeError, RangeError, SyntaxError }

/** Makes an error of the guest's own realm of `name: message`: one of the language's, or else a DOMException. */
function toError(fault: string): unknown {
  const colon = fault.indexOf(': ')
  const name = colon < 0 ? 'Error' : fault.slice(0, colon)
  const message = colon < 0 ? fault : fault.slice(colon + 2)
  const Known = Object.hasOwn(LANGUAGE_ERRORS, name) ? LANGUAGE_ERRORS[name] : undefined
  if (Known !== undefined) return new Known(message)
  const { DOMException } = require('./dom-exception.ts') as typeof import('./dom-exception.ts')
  return new DOMException(message, name)
}
