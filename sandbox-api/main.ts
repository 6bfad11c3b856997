import {
  BRIDGE,
  type Bridge,
  ENDING,
  ENTRY,
  type NativeBridge,
  type NativeValue,
  type RuntimeLimits,
} from './bridge.ts'
import { wholeResponseMax } from '../src/core/exchange.ts'
import { outputReached, streamReached } from '../src/core/limit-messages.ts'
import { type BoundText, createBound } from './bound.ts'
import { type Call, type Calls, createCalls, failure } from './calls.ts'
import { type Clock, createClock } from './clock.ts'
import { createConsole, createLog } from './console.ts'
import { applyEngine } from './engine.ts'
import { findEntryPoint } from './entry-point.ts'
import { createContext } from './context.ts'
import { createHeld } from './held.ts'
import { createQueueMicrotask } from './microtasks.ts'
import { type Watcher, createModules } from './modules.ts'
import {
  ErrorConstructor,
  PromiseConstructor,
  assign,
  cut,
  defineProperty,
  includes,
  parse,
  whenSettled,
} from './primordials.ts'
import { describe, encodeError, encodeResult } from './result.ts'
import { installTimers } from './timers.ts'
import type { Answering } from './web/handler.ts'
import type { Rejection, Web } from './web/host.ts'
import { installWeb } from './web.ts'

/**
 * The trusted part of every context: evaluated before any guest code, it returns the one function through which the cell
 * drives the guest. Everything that crosses is a bounded string or a number.
 *
 * Invariant: no object of the cell's realm is reachable from here; `bridge` takes and gives primitives only, `native` also
 * bytes, as copies; neither is ever handed to the guest. The runtime holds no secret: treat all of it as readable by the guest.
 */
export function boot(bridge: Bridge, native: NativeBridge): (entry: number, a: unknown, b: unknown) => void {
  const limits = {
    outputBytes: 0,
    logBytes: 0,
    logLines: 0,
    pendingCalls: 0,
    timers: 0,
    capabilities: [] as readonly string[],
    engine: { wasm: false, eval: false, temporal: false, clock: 'frozen' as const, sharedMemory: false },
  }
  const global = globalThis as Record<string, unknown>
  const clock = createClock()
  const log = createLog(bridge, limits)
  const calls = createCalls(bridge, limits)
  defineProperty(global, 'console', { value: createConsole(log, clock), writable: true, configurable: true })
  defineProperty(global, 'self', { value: globalThis, writable: true, configurable: true })
  defineProperty(global, 'queueMicrotask', {
    value: createQueueMicrotask((error) => uncaught(error)),
    writable: true,
    configurable: true,
    enumerable: true,
  })
  const timers = installTimers(global, bridge, limits)
  const guest = createGuest({ bridge, limits, calls, clock, openWeb: () => web.open() })
  const modules = createModules(bridge, global)
  const web = installWeb(global, {
    bridge: native,
    clock,
    timers,
    isGranted: (name) => includes(limits.capabilities, name),
    callHost: calls.call,
    fail: (error) => guest.fail(error),
    exceed: () =>
      guest.exceed(outputReached('the body of the response has more bytes than it may', limits.outputBytes)),
    exceedStream: () => guest.exceed(streamReached()),
  })
  /** An error that no code of the guest's caught: its handlers may, or else it ends the run. */
  const uncaught = (error: unknown): void => {
    let isHandled: boolean | undefined
    try {
      isHandled = web.opened?.reportUncaught(error)
    } catch {
      // The guest has spoilt what the events are made with.
    }
    if (isHandled !== true) guest.fail(error)
  }

  const enter = (entry: number, a: unknown, b: unknown): void => {
    if (entry === ENTRY.bind) return guest.bind(b as Watcher)
    clock.advance()
    switch (entry) {
      case ENTRY.start:
        log.reset()
        timers.reset()
        web.opened?.begin()
        guest.start(a as string, b as string, (message) => log.write('warn', message))
        return
      case ENTRY.resolve:
        calls.resolve(a as number, b as string)
        return
      case ENTRY.reject:
        calls.reject(a as number, b as string)
        return
      case ENTRY.timer:
        timers.fire(a as number)
        return
      case ENTRY.finish:
        web.opened?.finish(a as number, b as NativeValue)
        return
      case ENTRY.fail:
        web.opened?.fail(a as number, b as string)
        return
      case ENTRY.leave:
        web.opened?.leave()
        return
      case ENTRY.rejection: {
        const reason = parse(a as string) as Rejection
        if (web.opened?.reportRejection(reason) === true) return
        const name = reason.name === '' ? '' : `${reason.name}: `
        log.write('error', `[cloister] unhandled rejection: ${name}${cut(reason.message, 1_000)}`)
        return
      }
      default:
        modules.enter(entry, a as number, b)
    }
  }

  return (entry, a, b) => {
    if (entry === ENTRY.assign) {
      assign(limits, parse(a as string))
      applyEngine(global, limits.engine, clock)
    } else {
      try {
        enter(entry, a, b)
      } catch (error) {
        // Never thrown on: isolated-vm then leaves rejections of this run in the isolate, for a later run to trip over.
        uncaught(error)
      }
    }
  }
}

interface Namespace {
  readonly default?: unknown
}

interface GuestParts {
  readonly bridge: Bridge
  readonly limits: RuntimeLimits
  readonly calls: Calls
  readonly clock: Clock
  readonly openWeb: () => Web
}

/** Holds the guest's function and carries one run of it from its input to its ending. */
function createGuest({ bridge, limits, calls, clock, openWeb }: GuestParts) {
  let handler: unknown
  let isBound = false
  let begin: (() => void) | undefined
  let generation = 0
  let running = false
  /** Longest result of the run as JSON. */
  let resultMax = 0

  const settle = (ending: number, text: string): void => {
    bridge(BRIDGE.settle, ending, text)
  }
  const fail = (error: unknown): void => settle(ENDING.error, encodeError(describe(error)))
  const succeed = (value: unknown): void => {
    const { json, fault } = encodeResult(value)
    if (json === undefined) settle(ENDING.error, encodeError({ name: 'TypeError', message: fault ?? '', stack: '' }))
    // UTF-8 is never shorter than UTF-16 units; the exact size is checked where the bytes are.
    else if (json.length > resultMax)
      settle(ENDING.tooLong, tooLong(`the result has ${json.length} characters as JSON`, limits.outputBytes))
    else settle(ENDING.value, json)
  }

  return {
    /** An error that no caller of the guest's can catch: it ends the run. */
    fail(error: unknown): void {
      if (!running) return
      running = false
      fail(error)
    },
    /** The guest's response is longer than the run's output may be: it ends the run. */
    exceed(message: string): void {
      if (!running) return
      running = false
      settle(ENDING.tooLong, encodeError({ name: 'RangeError', message, stack: '' }))
    },
    /** Calls the function as soon as the main module is evaluated: its top level may await. */
    bind(watcher: Watcher): void {
      watcher.whenReady((namespace) => {
        handler = (namespace as Namespace).default
        isBound = true
        bridge(BRIDGE.bound, 0, 0)
        begin?.()
      })
    },
    start(inputText: string, contextText: string, warn: (message: string) => void): void {
      generation += 1
      const mine = generation
      running = true
      const once = (finish: (value: unknown) => void) => (value: unknown) => {
        if (mine !== generation || !running) return
        running = false
        finish(value)
      }
      begin = () => {
        begin = undefined
        const told = parse(contextText) as { trigger?: unknown; streams?: unknown; bound?: BoundText }
        const { trigger, streams } = told
        const binding = told.bound === undefined ? undefined : createBound(told.bound)
        const held = createHeld(warn)
        const whileRunning =
          (make: Call): Call =>
          (operation, args) => {
            if (mine === generation && running) return make(operation, args)
            return new PromiseConstructor((_, reject) =>
              reject(failure('RUN_OVER', 'the run that this context belongs to is over')),
            )
          }
        const context = createContext(contextText, {
          waitUntil: held.add,
          call: whileRunning(calls.call),
          clock,
          capabilities: limits.capabilities,
          openWeb,
          suspend: () => bridge(BRIDGE.suspends, 0, 0),
          bound: binding?.bound,
        })
        if (streams === true) bridge(BRIDGE.watches, 0, 0)
        resultMax = streams === true ? wholeResponseMax(limits.outputBytes) : limits.outputBytes
        const answering: Answering = {
          outputBytes: limits.outputBytes,
          call: streams === true ? whileRunning(calls.callOwn) : undefined,
          isHeld: () => held.open > 0,
        }
        // The language's own await: it does not look up `then` on a promise, whatever the guest has done to it.
        const answer = (async () => {
          const { call, fault } = findEntryPoint(handler, trigger, { openWeb, answering })
          if (call === undefined) throw new ErrorConstructor(fault)
          return await call(parse(inputText), context)
        })()
        const answered = (value: unknown): void => {
          if (held.open > 0) bridge(BRIDGE.holds, 0, 0)
          held.whenEmpty(() => {
            const outputs = binding?.collect()
            if (outputs === undefined) return once(succeed)(value)
            // Kept by the host, which writes them once the run has ended well.
            whenSettled(whileRunning(calls.callOwn)('bound.set', [outputs]), () => once(succeed)(value), once(fail))
          })
        }
        whenSettled(answer, answered, once(fail))
      }
      if (isBound) begin()
    },
  }
}

function tooLong(what: string, bound: number): string {
  return encodeError({ name: 'RangeError', message: outputReached(what, bound), stack: '' })
}
