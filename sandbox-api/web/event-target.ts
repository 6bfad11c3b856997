import type { AbortSignal } from './abort-signal.ts'
import { DOMException } from './dom-exception.ts'
import { type Event, PHASE, isEvent, stateOf, trust } from './event.ts'
import { reportException } from './uncaught.ts'
import { finishInterface, needArguments, toDictionary, toDOMString } from './webidl.ts'

interface ListenerObject {
  handleEvent?: unknown
}

interface Listener {
  /** A function, or an object with `handleEvent`. */
  readonly callback: object
  readonly capture: boolean
  readonly once: boolean
  readonly passive: boolean
  isRemoved: boolean
}

/** Listeners by the type of event, in the order in which they came. */
type Listeners = Map<string, Listener[]>

const globalListeners: Listeners = new Map()
let listenersOf: (target: unknown) => Listeners | undefined

/** Web DOM, "EventTarget". The global object is one, too, though not by its class. */
export class EventTarget {
  readonly #listeners: Listeners = new Map()

  static {
    listenersOf = (target) => {
      if (target === globalThis) return globalListeners
      return typeof target === 'object' && target !== null && #listeners in target ? target.#listeners : undefined
    }
  }

  addEventListener(type: unknown, callback: unknown, options: unknown = undefined): void {
    const listeners = needListeners(this)
    needArguments(arguments.length, 2, 'addEventListener')
    const name = toDOMString(type)
    const listener = toListener(callback)
    const { capture, once, passive, signal } = toOptions(options)
    if (listener === null || signal?.aborted === true) return
    const list = listeners.get(name) ?? []
    if (list.some((each) => each.callback === listener && each.capture === capture)) return
    const added: Listener = { callback: listener, capture, once, passive, isRemoved: false }
    list.push(added)
    listeners.set(name, list)
    if (signal !== undefined) abortion().addAbortAlgorithm(signal, () => remove(listeners, name, added))
  }

  removeEventListener(type: unknown, callback: unknown, options: unknown = undefined): void {
    const listeners = needListeners(this)
    needArguments(arguments.length, 2, 'removeEventListener')
    const name = toDOMString(type)
    const listener = toListener(callback)
    const capture = isObject(options) ? !!(options as { capture?: unknown }).capture : !!options
    const found = listeners.get(name)?.find((each) => each.callback === listener && each.capture === capture)
    if (found !== undefined) remove(listeners, name, found)
  }

  dispatchEvent(event: unknown): boolean {
    const listeners = needListeners(this)
    needArguments(arguments.length, 1, 'dispatchEvent')
    if (!isEvent(event)) throw new TypeError('the argument of dispatchEvent must be an event')
    const state = stateOf(event)
    if (state.isDispatched) throw new DOMException('the event is already being dispatched', 'InvalidStateError')
    state.isTrusted = false
    return dispatch(event, this ?? globalThis, listeners)
  }
}

finishInterface(EventTarget, 'EventTarget')

/** Fires an event of the platform's at a target. Returns whether nobody has canceled it. */
export function fire(target: object, event: Event): boolean {
  return dispatch(trust(event), target, needListeners(target))
}

/** Adds a listener of the platform's, which is not the guest's to remove. Returns how to remove it. */
export function listen(target: object, type: string, callback: (event: Event) => void): () => void {
  const listeners = needListeners(target)
  const added: Listener = { callback, capture: false, once: false, passive: false, isRemoved: false }
  listeners.set(type, [...(listeners.get(type) ?? []), added])
  return () => remove(listeners, type, added)
}

export function isEventTarget(value: unknown): value is EventTarget {
  return listenersOf(value) !== undefined
}

/** A function of the global object's, called without it, means the global object. */
function needListeners(target: unknown): Listeners {
  const found = listenersOf(target ?? globalThis)
  if (found === undefined) throw new TypeError('Illegal invocation')
  return found
}

/** Read late: a signal is an event target, too. */
function abortion(): typeof import('./abort-signal.ts') {
  return require('./abort-signal.ts') as typeof import('./abort-signal.ts')
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function toListener(callback: unknown): object | null {
  if (callback === null || callback === undefined) return null
  if (!isObject(callback)) throw new TypeError('a listener must be a function or an object')
  return callback
}

function toOptions(
  given: unknown,
): Pick<Listener, 'capture' | 'once' | 'passive'> & { signal: AbortSignal | undefined } {
  if (!isObject(given)) return { capture: !!given, once: false, passive: false, signal: undefined }
  const options = toDictionary(given, 'the options of a listener')
  const capture = !!options['capture']
  const once = !!options['once']
  const passive = !!options['passive']
  const { signal } = options
  if (signal === undefined) return { capture, once, passive, signal }
  if (!abortion().isAbortSignal(signal)) throw new TypeError('`signal` must be an AbortSignal')
  return { capture, once, passive, signal }
}

function remove(listeners: Listeners, type: string, listener: Listener): void {
  listener.isRemoved = true
  const left = listeners.get(type)?.filter((each) => each !== listener) ?? []
  if (left.length > 0) listeners.set(type, left)
  else listeners.delete(type)
}

function dispatch(event: Event, target: object, listeners: Listeners): boolean {
  const state = stateOf(event)
  state.isDispatched = true
  state.target = target
  state.phase = PHASE.AT_TARGET
  state.currentTarget = target
  for (const capture of [true, false]) if (!state.isStopped) invoke(event, target, listeners, capture)
  state.phase = PHASE.NONE
  state.currentTarget = null
  state.isDispatched = false
  state.isStopped = false
  state.isStoppedAtOnce = false
  return !state.isCanceled
}

/** Calls those that are there now: one that is added meanwhile has to wait for the next event. */
function invoke(event: Event, target: object, listeners: Listeners, capture: boolean): void {
  const state = stateOf(event)
  const list = listeners.get(state.type)
  if (list === undefined) return
  for (const listener of list.slice()) {
    if (listener.isRemoved || listener.capture !== capture) continue
    if (listener.once) remove(listeners, state.type, listener)
    state.inPassiveListener = listener.passive
    try {
      call(listener.callback, target, event)
    } catch (error) {
      reportException(error)
    }
    state.inPassiveListener = false
    if (state.isStoppedAtOnce) return
  }
}

function call(callback: object, target: object, event: Event): void {
  if (typeof callback === 'function') {
    Reflect.apply(callback as (event: Event) => unknown, target, [event])
    return
  }
  const { handleEvent } = callback as ListenerObject
  if (typeof handleEvent !== 'function') throw new TypeError('`handleEvent` of a listener must be a function')
  Reflect.apply(handleEvent as (event: Event) => unknown, callback, [event])
}
