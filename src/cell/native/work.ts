import type { NativeValue } from '../../../sandbox-api/bridge.ts'
import type { NativeDoor } from '../realm.ts'
import { NativeFault, faultText } from './fault.ts'
import type { Handles } from './handles.ts'
import type { Operation } from './operation.ts'
import { OPERATIONS } from './operations.ts'

/** Native operations of one run that have begun and not ended. */
const PENDING_MAX = 256

/** Tells that an operation has ended, later than it was started. */
type Tell = (task: number, ok: boolean, value: NativeValue) => void

/** The native code of one run: looks operations up, and keeps count of those that go on. */
export class NativeWork implements NativeDoor {
  readonly #handles: Handles
  readonly #tell: Tell
  #last = 0
  #pending = 0
  #closed = false
  readonly #wanted = (): boolean => !this.#closed

  constructor(handles: Handles, tell: Tell) {
    this.#handles = handles
    this.#tell = tell
  }

  /** Operations that have not ended yet: the run waits for them. */
  get pending(): number {
    return this.#pending
  }

  /** The run is over: what has not begun need not begin. */
  close(): void {
    this.#closed = true
  }

  call(operation: string, args: readonly unknown[]): NativeValue {
    return guarded(() => {
      const value = find(operation)(args, this.#handles, this.#wanted)
      if (value instanceof Promise) throw new NativeFault('TypeError', `${operation} has to be started`)
      return value
    })
  }

  start(operation: string, args: readonly unknown[]): number {
    return guarded(() => {
      if (this.#pending >= PENDING_MAX) {
        throw new NativeFault('QuotaExceededError', `more than ${PENDING_MAX} operations are under way`)
      }
      const value = find(operation)(args, this.#handles, this.#wanted)
      this.#last += 1
      this.#pending += 1
      const task = this.#last
      const end = (ok: boolean, result: NativeValue): void => {
        this.#pending -= 1
        this.#tell(task, ok, result)
      }
      Promise.resolve(value).then(
        (result) => end(true, result),
        (error: unknown) => end(false, faultText(error)),
      )
      return task
    })
  }
}

function find(operation: string): Operation {
  const found = Object.hasOwn(OPERATIONS, operation) ? OPERATIONS[operation] : undefined
  if (found === undefined) throw new NativeFault('NotSupportedError', 'there is no such operation')
  return found
}

/** Nothing but a text of ours is thrown into the guest. */
function guarded<Result>(action: () => Result): Result {
  try {
    return action()
  } catch (error) {
    const fault = new Error(faultText(error), { cause: undefined })
    // isolated-vm copies it, too.
    fault.stack = fault.message
    throw fault
  }
}
