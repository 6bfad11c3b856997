import { DOMException } from './dom-exception.ts'
import { Event } from './event.ts'
import { EventTarget, fire } from './event-target.ts'
import { defineHandlers } from './handlers.ts'
import { getHost } from './host.ts'
import { finishInterface, makeEnumerable, needArguments, toRangeOfUnsignedLongLong, toSequence } from './webidl.ts'

interface SignalState {
  isAborted: boolean
  reason: unknown
  readonly algorithms: Set<() => void>
  /** What this one was made of by `any`, none of it made so itself; undefined if it is no such signal. */
  sources: Set<AbortSignal> | undefined
  /** Signals that were made of this one by `any`. */
  readonly dependents: Set<AbortSignal>
}

/** Proves to the constructors of interfaces that have none that the platform calls. */
const MAKING = Symbol('making')

let readState: (signal: AbortSignal) => SignalState
let hasState: (value: object) => boolean

/** Web DOM, "AbortSignal". */
export class AbortSignal extends EventTarget {
  readonly #state: SignalState = {
    isAborted: false,
    reason: undefined,
    algorithms: new Set(),
    sources: undefined,
    dependents: new Set(),
  }

  static {
    readState = (signal) => signal.#state
    hasState = (value) => #state in value
  }

  constructor(making: unknown = undefined) {
    if (making !== MAKING) throw new TypeError('Illegal constructor')
    super()
  }

  static abort(reason: unknown = undefined): AbortSignal {
    const signal = createAbortSignal()
    const state = readState(signal)
    state.isAborted = true
    state.reason = reason === undefined ? aborted() : reason
    return signal
  }

  static timeout(milliseconds: unknown): AbortSignal {
    needArguments(arguments.length, 1, 'AbortSignal.timeout')
    const ms = toRangeOfUnsignedLongLong(milliseconds, 'the time of AbortSignal.timeout')
    const signal = createAbortSignal()
    getHost().setTimer(() => signalAbort(signal, new DOMException('the time is over', 'TimeoutError')), ms)
    return signal
  }

  static any(signals: unknown): AbortSignal {
    needArguments(arguments.length, 1, 'AbortSignal.any')
    const list = toSequence(signals, 'the argument of AbortSignal.any')
    if (!list.every(isAbortSignal)) throw new TypeError('AbortSignal.any takes signals only')
    return createDependentSignal(list)
  }

  get aborted(): boolean {
    return this.#state.isAborted
  }
  get reason(): unknown {
    return this.#state.reason
  }
  throwIfAborted(): void {
    const { isAborted, reason } = this.#state
    if (isAborted) throw reason
  }
}

finishInterface(AbortSignal, 'AbortSignal')
makeEnumerable(AbortSignal, 'abort', 'timeout', 'any')
defineHandlers(AbortSignal, isAbortSignal, 'abort')

export function isAbortSignal(value: unknown): value is AbortSignal {
  return typeof value === 'object' && value !== null && hasState(value)
}

export function createAbortSignal(): AbortSignal {
  return new AbortSignal(MAKING)
}

/** A signal that is aborted with the first of the others. */
export function createDependentSignal(signals: readonly AbortSignal[]): AbortSignal {
  const result = createAbortSignal()
  const state = readState(result)
  const first = signals.find((signal) => readState(signal).isAborted)
  if (first !== undefined) {
    state.isAborted = true
    state.reason = readState(first).reason
    return result
  }
  const roots = signals.flatMap((signal) => [...(readState(signal).sources ?? [signal])])
  state.sources = new Set(roots)
  for (const source of state.sources) readState(source).dependents.add(result)
  return result
}

/** Has a function called when a signal is aborted, before the guest's listeners. Not called at all if it is already. */
export function addAbortAlgorithm(signal: AbortSignal, algorithm: () => void): void {
  const { isAborted, algorithms } = readState(signal)
  if (!isAborted) algorithms.add(algorithm)
}

export function removeAbortAlgorithm(signal: AbortSignal, algorithm: () => void): void {
  readState(signal).algorithms.delete(algorithm)
}

/** Aborts a signal, and after it those that were made of it. An undefined reason becomes an AbortError. */
export function signalAbort(signal: AbortSignal, reason?: unknown): void {
  const state = readState(signal)
  if (state.isAborted) return
  state.isAborted = true
  state.reason = reason === undefined ? aborted() : reason
  const affected = [signal]
  for (const dependent of state.dependents) {
    const theirs = readState(dependent)
    if (theirs.isAborted) continue
    theirs.isAborted = true
    theirs.reason = state.reason
    affected.push(dependent)
  }
  // All are aborted before the first listener of any is called.
  for (const each of affected) runAbortSteps(each)
}

function runAbortSteps(signal: AbortSignal): void {
  const { algorithms, dependents, sources } = readState(signal)
  for (const algorithm of algorithms) algorithm()
  algorithms.clear()
  dependents.clear()
  for (const source of sources ?? []) readState(source).dependents.delete(signal)
  fire(signal, new Event('abort'))
}

function aborted(): DOMException {
  return new DOMException('the operation was aborted', 'AbortError')
}
