import { isErrorEvent, readError } from './error-event.ts'
import type { Event } from './event.ts'
import { stateOf } from './event.ts'
import { listen } from './event-target.ts'

interface Handler {
  value: object
  stop: () => void
}

/** Handlers that are set, by the type of event. */
const handlers = new WeakMap<object, Map<string, Handler>>()

/** HTML, "event handlers": a listener that a property holds. */
export function getHandler(target: object, type: string): unknown {
  return handlers.get(target)?.get(type)?.value ?? null
}

/** What is no object means none. A handler keeps its place among the listeners for as long as it is some. */
export function setHandler(target: object, type: string, value: unknown): void {
  const mine = handlers.get(target) ?? new Map<string, Handler>()
  handlers.set(target, mine)
  const present = mine.get(type)
  const isNone = (typeof value !== 'object' && typeof value !== 'function') || value === null
  if (isNone) {
    present?.stop()
    mine.delete(type)
  } else if (present !== undefined) present.value = value
  else {
    const stop = listen(target, type, (event) => call(mine.get(type)?.value, target, event))
    mine.set(type, { value, stop })
  }
}

/** Defines `on…` accessors on the prototype of an interface. */
export function defineHandlers<Kind extends object>(
  Class: { readonly prototype: object },
  isKind: (value: unknown) => value is Kind,
  ...types: readonly string[]
): void {
  const check = (value: unknown): Kind => {
    if (isKind(value)) return value
    throw new TypeError('Illegal invocation')
  }
  for (const type of types) {
    const name = `on${type}`
    const accessor = {
      get [name](): unknown {
        return getHandler(check(this), type)
      },
      set [name](value: unknown) {
        setHandler(check(this), type, value)
      },
    }
    const descriptor = Object.getOwnPropertyDescriptor(accessor, name) as PropertyDescriptor
    Object.defineProperty(Class.prototype, name, descriptor)
  }
}

/** An event handler of the global object. */
export function handlerOf(name: string): { get(): unknown; set(value: unknown): void } {
  const type = name.slice('on'.length)
  return { get: () => getHandler(globalThis, type), set: (value) => setHandler(globalThis, type, value) }
}

function call(handler: unknown, target: object, event: Event): void {
  if (typeof handler !== 'function') return
  const isErrorOfGlobal = target === globalThis && isErrorEvent(event) && event.type === 'error'
  const result = isErrorOfGlobal
    ? (Reflect.apply(handler as (...args: unknown[]) => unknown, target, readError(event)) as unknown)
    : (Reflect.apply(handler as (event: Event) => unknown, target, [event]) as unknown)
  // The global object's error handler says by true, and every other one by false, that it has dealt with the event.
  const state = stateOf(event)
  if (result === isErrorOfGlobal && state.cancelable) state.isCanceled = true
}
