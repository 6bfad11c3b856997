import type ivm from 'isolated-vm'
import { type Bridge, ENTRY, NATIVE, type NativeValue } from '../../sandbox-api/bridge.ts'
import type { IsolatedVm } from './addon.ts'
import type { Loader } from './loader.ts'
import { Handles } from './native/handles.ts'

/** A context in an isolate with the guest runtime in it: where guest code runs, one run at a time. */
export interface Realm {
  readonly isolate: GuestIsolate
  readonly context: ivm.Context
  /** What opens the web's own API here, if that was loaded ahead of its first use. */
  web: ivm.Reference<unknown> | undefined
  /** The runtime's one function. Arguments are primitives, but for the namespace that `bind` hands over. */
  readonly enter: ivm.Reference<(entry: number, a: unknown, b: unknown) => void>
  /** Where calls of the runtime go; set while a run is using the realm. */
  bridge: Bridge
  /** Where its native operations go; set and taken back with `bridge`. */
  native: NativeDoor
  /** What native code holds for this realm between two operations, such as the state of a decoder. */
  readonly handles: Handles
  /** The modules of the artifact that this realm is used for, once there is one. */
  loader: Loader | undefined
  /** Number of the artifact whose main module is evaluated, and its function bound. */
  artifact: number | undefined
}

/** What a realm may have of the cell's native code. Both throw for the guest to see. */
export interface NativeDoor {
  call(operation: string, args: readonly unknown[]): NativeValue
  start(operation: string, args: readonly unknown[]): number
}

/** One V8 heap of the cell. */
export interface GuestIsolate {
  readonly vm: ivm.Isolate
  /** Its limit. */
  readonly memoryMb: number
  readonly runtime: ivm.Script
  /** The web's own API, compiled while the cell is blank or when a guest of this isolate first asks for it. */
  web: ivm.Script | undefined
  runs: number
}

const RUNTIME_FILE = 'cloister:runtime'
const WEB_FILE = 'cloister:web'

/** Source texts of the guest half. */
export interface RuntimeSources {
  /** Evaluated in every realm. */
  readonly runtime: string
  /** Evaluated in a realm whose guest asks for anything of the web's own API. */
  readonly web: string
}

/** Makes isolates and realms. Costs about 1 ms for an isolate and 0.3 ms for a realm. */
export class RealmMaker {
  readonly #ivm: IsolatedVm
  readonly #sources: RuntimeSources
  readonly #inspector: boolean
  readonly #caches = new Map<string, NonNullable<ivm.CachedDataResult['cachedData']>>()

  /** `inspected`: realms that a debugger can look into; see inspection.ts. */
  constructor(isolatedVm: IsolatedVm, sources: RuntimeSources, mode: 'plain' | 'inspected' = 'plain') {
    this.#ivm = isolatedVm
    this.#sources = sources
    this.#inspector = mode === 'inspected'
  }

  isolate(memoryMb: number): GuestIsolate {
    const vm = new this.#ivm.Isolate({ memoryLimit: memoryMb, inspector: this.#inspector })
    const runtime = this.#compile(vm, RUNTIME_FILE, this.#sources.runtime)
    return { vm, memoryMb, runtime, web: undefined, runs: 0 }
  }

  /**
   * Makes a fresh realm. No guest code has run in it.
   * Invariant: the guest gets no isolated-vm object; the callbacks arrive in the realm as plain functions of its own.
   */
  realm(isolate: GuestIsolate, limits?: string): Realm {
    const context = isolate.vm.createContextSync({ inspector: this.#inspector })
    const boot = isolate.runtime.runSync(context, { reference: true }) as ivm.Reference<(...args: unknown[]) => unknown>
    const realm: { -readonly [Key in keyof Realm]?: Realm[Key] } = {
      isolate,
      context,
      web: undefined,
      artifact: undefined,
      loader: undefined,
      bridge: refuse,
      native: CLOSED,
      handles: new Handles(),
    }
    const bridge = new this.#ivm.Callback((kind: unknown, a: unknown, b: unknown) =>
      (realm as Realm).bridge(kind as number, a as string | number, b as string | number),
    )
    const native = new this.#ivm.Callback((kind: unknown, operation: unknown, ...args: unknown[]) =>
      this.#serve(realm as Realm, kind, operation as string, args),
    )
    realm.enter = boot.applySync(undefined, [bridge, native], { result: { reference: true } }) as Realm['enter']
    boot.release()
    // An inspected guest has a thread of its own: this one could not enter its isolate when the guest asks.
    if (this.#inspector) realm.web = this.#evaluateWeb(realm as Realm)
    if (limits !== undefined) assignLimits(realm as Realm, limits)
    return realm as Realm
  }

  /** Calls `action` while this thread is in the isolate, from a context that is then thrown away. */
  within({ vm }: GuestIsolate, action: () => void): void {
    const context = vm.createContextSync()
    context.evalClosureSync('$0()', [new this.#ivm.Callback(action)])
    context.release()
  }

  /** Hands bytes to a realm as a buffer of its own. */
  handOver(value: NativeValue): unknown {
    if (!(value instanceof Uint8Array)) return value
    // The copy is of a length of its own, never of the pool that Node cuts small buffers from.
    return new this.#ivm.ExternalCopy(new Uint8Array(value), { transferOut: true }).copyInto({
      release: true,
      transferIn: true,
    })
  }

  #serve(realm: Realm, kind: unknown, operation: string, args: readonly unknown[]): unknown {
    switch (kind) {
      case NATIVE.call:
        return this.handOver(realm.native.call(operation, args))
      case NATIVE.start:
        return realm.native.start(operation, args)
      case NATIVE.load:
        return this.#loadWeb(realm)
      default:
        return undefined
    }
  }

  /**
   * Compiles a script of the guest half, from V8's code cache but for the first time in this process.
   * Invariant: a cache is code that V8 believes. It is made here of our own text, before that has run, and never leaves the cell.
   */
  #compile(vm: ivm.Isolate, filename: string, source: string): ivm.Script {
    const cachedData = this.#caches.get(filename)
    if (cachedData !== undefined) return vm.compileScriptSync(source, { filename, cachedData })
    const script: ivm.Script & ivm.CachedDataResult = vm.compileScriptSync(source, {
      filename,
      produceCachedData: true,
    })
    if (script.cachedData !== undefined) this.#caches.set(filename, script.cachedData)
    return script
  }

  /** Compiles the web's own API for an isolate, if that has not been done. */
  prepareWeb(isolate: GuestIsolate): ivm.Script {
    isolate.web ??= this.#compile(isolate.vm, WEB_FILE, this.#sources.web)
    return isolate.web
  }

  /** The function that opens the web's own API, of the realm itself. */
  #loadWeb(realm: Realm): unknown {
    return (realm.web ?? this.#evaluateWeb(realm)).derefInto({ release: true })
  }

  #evaluateWeb({ isolate, context }: Realm): ivm.Reference<unknown> {
    return this.prepareWeb(isolate).runSync(context, { reference: true }) as ivm.Reference<unknown>
  }
}

/** Tells a fresh realm its bounds and grants, as JSON text. */
export function assignLimits(realm: Realm, limits: string): void {
  realm.enter.applySync(undefined, [ENTRY.assign, limits, ''])
}

/** The native door of a realm that no run is using. */
export const CLOSED: NativeDoor = {
  call: () => {
    throw new Error('Error: the run that this belongs to is over')
  },
  start: () => {
    throw new Error('Error: the run that this belongs to is over')
  },
}

/** The bridge of a realm that no run is using: a left-over continuation of an earlier run gets nothing done. */
export function refuse(): number {
  return 0
}
