import { BRIDGE, type Bridge, ENTRY } from './bridge.ts'
import {
  ErrorConstructor,
  PromiseConstructor,
  TypeErrorConstructor,
  apply,
  construct,
  defineHidden,
  hasOwn,
  parse,
  table,
} from './primordials.ts'
import type { ErrorText } from './result.ts'

/** What a module of the cell's own making tells of another: calls back with its namespace, now or once it is evaluated. */
export interface Watcher {
  readonly whenReady: (action: (namespace: unknown) => void) => void
}

/** What the code that the cell generates around a guest's modules calls; src/cell/door.ts has the other half. */
interface DoorModule {
  readonly bind: (functions: object) => void
}

export interface Modules {
  /** One of the entries that are about modules. */
  enter(entry: number, number: number, given: unknown): void
}

interface Waiting {
  readonly phase: unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

const { fromBase64 } = Uint8Array as unknown as { fromBase64: (text: string) => Uint8Array }

/**
 * `import()` of the bundle's own modules, and modules that are data. The cell compiles and links; a promise waits here. A
 * guest that gets hold of these functions can do with them what its own imports do.
 */
export function createModules(bridge: Bridge, global: object): Modules {
  const waiting = table<Waiting>()
  const take = (number: number): Waiting | undefined => {
    const found = waiting[number]
    delete waiting[number]
    return found
  }
  const load = (from: string, specifier: unknown, options: unknown, phase: unknown): Promise<unknown> =>
    new PromiseConstructor((resolve, reject) => {
      // Not asked for in the call: what is thrown here rejects the promise, as the language wants it.
      const name = `${specifier as string}`
      const type = typeOf(options)
      const number = bridge(BRIDGE.load, type === undefined ? from : `${from}\n${type}`, name)
      if (number === 0) throw new ErrorConstructor('too many imports are under way, or the run is over')
      waiting[number] = { phase, resolve, reject }
    })
  const settle = (number: number, watcher: Watcher): void => {
    // Still waiting until then: the evaluation may fail.
    watcher.whenReady((namespace) => {
      const found = take(number)
      found?.resolve(found.phase === 'source' ? (namespace as { default: unknown }).default : namespace)
    })
  }
  return {
    enter(entry, number, given) {
      if (entry === ENTRY.loaded) settle(number, given as Watcher)
      else if (entry === ENTRY.unloadable) take(number)?.reject(errorOf(parse(given as string) as ErrorText))
      else if (entry === ENTRY.door) {
        const functions = { __proto__: null, load, json: parse, bytes, wasm: createWasm(global) }
        ;(given as DoorModule).bind(functions)
      }
    },
  }
}

/** The `type` of `import(…, { with: { type } })`. */
function typeOf(options: unknown): string | undefined {
  if (options === undefined) return undefined
  if (typeof options !== 'object' || options === null)
    throw new TypeErrorConstructor('the options of an import are no object')
  const given = (options as { with?: unknown }).with
  if (given === undefined) return undefined
  if (typeof given !== 'object' || given === null)
    throw new TypeErrorConstructor('the attributes of an import are no object')
  const { type } = given as { type?: unknown }
  if (type !== undefined && typeof type !== 'string') throw new TypeErrorConstructor('the type of an import is no text')
  return type
}

function bytes(text: string): Uint8Array {
  return apply(fromBase64, Uint8Array, [text]) as Uint8Array
}

/** Makes a WebAssembly module. Through the global, which guards its memory; a guest without it is told why. */
function createWasm(global: { WebAssembly?: { Module: new (bytes: Uint8Array) => object } }) {
  return (text: string, name: string): unknown => {
    const wasm = global.WebAssembly
    if (wasm === undefined) throw new TypeErrorConstructor(`${name} cannot be imported: there is no WebAssembly here`)
    return construct(wasm.Module, [bytes(text)])
  }
}

const KINDS = { __proto__: null, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }

/** An error of this realm from its name, message and stack: what a module threw crosses the cell as text. */
function errorOf({ name, message, stack }: ErrorText): unknown {
  const Kind = hasOwn(KINDS, name) ? (KINDS as unknown as Record<string, ErrorConstructor>)[name] : undefined
  const error = construct(Kind ?? ErrorConstructor, [message]) as Error
  if (Kind === undefined) defineHidden(error, 'name', name)
  defineHidden(error, 'stack', stack)
  return error
}
