import { BRIDGE, type Bridge, CALL_LENGTH_MAX, type RuntimeLimits } from './bridge.ts'
import { ErrorConstructor, PromiseConstructor, defineProperty, hasOwn, parse, stringify, table } from './primordials.ts'
import { describe } from './result.ts'

interface Waiting {
  /** Whether it counts as one of the guest's. */
  readonly isGuests: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** What an error has besides its code: `sqlState`, `position`, … */
type Details = { readonly [name: string]: string | number }

/** Calls an operation of a capability. Rejects with an error whose `code` says why. */
export type Call = (operation: string, args: readonly unknown[]) => Promise<unknown>

export interface Calls {
  readonly call: Call
  /** Calls on the runtime's own behalf: the number of calls that the guest may make has nothing to do with it. */
  readonly callOwn: Call
  /** The host's answer, as JSON text. An answer to a call that is not waited for is ignored. */
  resolve(call: number, text: string): void
  reject(call: number, text: string): void
}

/** The guest half of every capability: arguments go out as JSON text, a promise waits for the answer. */
export function createCalls(bridge: Bridge, limits: RuntimeLimits): Calls {
  let waiting = table<Waiting>()
  /** Calls of the guest's without an answer, and all together. */
  let pending = 0
  let open = 0

  const take = (call: number): Waiting | undefined => {
    const found = waiting[call]
    if (found === undefined) return undefined
    delete waiting[call]
    if (found.isGuests) pending -= 1
    open -= 1
    if (open === 0) waiting = table<Waiting>()
    return found
  }

  const make = (operation: string, args: readonly unknown[], caller: 'guest' | 'runtime'): Promise<unknown> =>
    new PromiseConstructor((resolve, reject) => {
      const payload = encode(args)
      const isGuests = caller === 'guest'
      // After the encoding, in which a guest's `toJSON` may have made calls.
      if (isGuests && pending >= limits.pendingCalls) {
        throw failure('TOO_MANY_CALLS', `more than ${limits.pendingCalls} calls are waiting for an answer`)
      }
      const call = bridge(BRIDGE.call, operation, payload)
      if (isGuests) pending += 1
      open += 1
      waiting[call] = { isGuests, resolve, reject }
    })

  return {
    call: (operation, args) => make(operation, args, 'guest'),
    callOwn: (operation, args) => make(operation, args, 'runtime'),
    resolve: (call, text) => take(call)?.resolve(text === '' ? undefined : parse(text)),
    reject(call, text) {
      const { code, message, details } = parse(text) as { code: string; message: string; details?: Details }
      take(call)?.reject(failure(code, message, details))
    },
  }
}

/**
 * Arguments as a JSON list; those at the end that are undefined are left out. Throws INVALID_ARGUMENT for what JSON cannot
 * hold. The list is put together here because a guest's `toJSON` on arrays could make anything of it.
 */
function encode(args: readonly unknown[]): string {
  let count = args.length
  while (count > 0 && args[count - 1] === undefined) count -= 1
  let list = ''
  for (let index = 0; index < count; index += 1) {
    const text = encodeArgument(args[index], index + 1)
    if (list.length + text.length > CALL_LENGTH_MAX) {
      throw failure('INVALID_ARGUMENT', `the arguments of a call have more than ${CALL_LENGTH_MAX} characters as JSON`)
    }
    list += (index > 0 ? ',' : '') + text
  }
  return `[${list}]`
}

function encodeArgument(value: unknown, position: number): string {
  let text: string | undefined
  try {
    text = stringify(value)
  } catch (error) {
    throw failure('INVALID_ARGUMENT', `argument ${position} cannot be turned into JSON: ${describe(error).message}`)
  }
  if (text === undefined) {
    throw failure('INVALID_ARGUMENT', `argument ${position} is ${typeof value}, which JSON cannot hold`)
  }
  return text
}

/** An error of the guest's own realm with a `code`. Its stack is the guest's: nothing of the host is in it. */
export function failure(code: string, message: string, details?: Details): Error {
  const error = new ErrorConstructor(message)
  // Without a prototype: the guest's `Object.prototype` could add to what the descriptor says.
  defineProperty(error, 'code', { __proto__: null, value: code, enumerable: true } as PropertyDescriptor)
  for (const name in details) {
    if (!hasOwn(details, name)) continue
    defineProperty(error, name, { __proto__: null, value: details[name], enumerable: true } as PropertyDescriptor)
  }
  return error
}
