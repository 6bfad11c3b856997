import { BRIDGE, type Bridge, type RuntimeLimits } from './bridge.ts'
import { ErrorConstructor, PromiseConstructor, defineProperty, parse, stringify, table } from './primordials.ts'

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Calls an operation of a capability. Rejects with an error whose `code` says why. */
export type Call = (operation: string, args: readonly unknown[]) => Promise<unknown>

export interface Calls {
  readonly call: Call
  /** The host's answer, as JSON text. An answer to a call that is not waited for is ignored. */
  resolve(call: number, text: string): void
  reject(call: number, text: string): void
}

/** The guest half of every capability: arguments go out as JSON text, a promise waits for the answer. */
export function createCalls(bridge: Bridge, limits: RuntimeLimits): Calls {
  let waiting = table<Waiting>()
  let pending = 0

  const take = (call: number): Waiting | undefined => {
    const found = waiting[call]
    if (found === undefined) return undefined
    delete waiting[call]
    pending -= 1
    if (pending === 0) waiting = table<Waiting>()
    return found
  }

  return {
    call(operation, args) {
      return new PromiseConstructor((resolve, reject) => {
        if (pending >= limits.pendingCalls) {
          reject(failure('TOO_MANY_CALLS', `more than ${limits.pendingCalls} calls are waiting for an answer`))
          return
        }
        const payload = stringify(args)
        const call = bridge(BRIDGE.call, operation, payload)
        pending += 1
        waiting[call] = { resolve, reject }
      })
    },
    resolve: (call, text) => take(call)?.resolve(text === '' ? undefined : parse(text)),
    reject(call, text) {
      const { code, message } = parse(text) as { code: string; message: string }
      take(call)?.reject(failure(code, message))
    },
  }
}

/** An error of the guest's own realm with a `code`. Its stack is the guest's: nothing of the host is in it. */
export function failure(code: string, message: string): Error {
  const error = new ErrorConstructor(message)
  defineProperty(error, 'code', { value: code, enumerable: true })
  return error
}
