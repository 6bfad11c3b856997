import type ivm from 'isolated-vm'
import { ENTRY, type Bridge } from '../../sandbox-api/bridge.ts'
import type { IsolatedVm } from './addon.ts'

/** A context in an isolate with the guest runtime in it: where guest code runs, one run at a time. */
export interface Realm {
  readonly isolate: GuestIsolate
  readonly context: ivm.Context
  /** The runtime's one function. Arguments are primitives, but for the namespace that `bind` hands over. */
  readonly enter: ivm.Reference<(entry: number, a: unknown, b: string) => void>
  /** Where calls of the runtime go; set while a run is using the realm. */
  bridge: Bridge
  /** Number of the artifact whose module is evaluated and bound here. */
  artifact: number | undefined
}

/** One V8 heap of the cell. */
export interface GuestIsolate {
  readonly vm: ivm.Isolate
  readonly runtime: ivm.Script
  runs: number
}

const RUNTIME_FILE = 'cloister:runtime'

/** Makes isolates and realms. Costs about 1 ms for an isolate and 0.3 ms for a realm. */
export class RealmMaker {
  readonly #ivm: IsolatedVm
  readonly #source: string

  constructor(isolatedVm: IsolatedVm, runtimeSource: string) {
    this.#ivm = isolatedVm
    this.#source = runtimeSource
  }

  isolate(memoryMb: number): GuestIsolate {
    const vm = new this.#ivm.Isolate({ memoryLimit: memoryMb })
    return { vm, runtime: vm.compileScriptSync(this.#source, { filename: RUNTIME_FILE }), runs: 0 }
  }

  /**
   * Makes a fresh realm. No guest code has run in it.
   * Invariant: the guest gets no isolated-vm object; the callback arrives in the realm as a plain function of its own.
   */
  realm(isolate: GuestIsolate, limits?: string): Realm {
    const context = isolate.vm.createContextSync()
    const boot = isolate.runtime.runSync(context, { reference: true }) as ivm.Reference<(...args: unknown[]) => unknown>
    const realm: { -readonly [Key in keyof Realm]?: Realm[Key] } = { isolate, context, artifact: undefined }
    realm.bridge = refuse
    const bridge = new this.#ivm.Callback((kind: unknown, a: unknown, b: unknown) =>
      (realm as Realm).bridge(kind as number, a as string | number, b as string | number),
    )
    realm.enter = boot.applySync(undefined, [bridge], { result: { reference: true } }) as Realm['enter']
    boot.release()
    if (limits !== undefined) assignLimits(realm as Realm, limits)
    return realm as Realm
  }
}

/** Tells a fresh realm its bounds and grants, as JSON text. */
export function assignLimits(realm: Realm, limits: string): void {
  realm.enter.applySync(undefined, [ENTRY.assign, limits, ''])
}

/** Evaluates a linked module within `timeoutMs` and hands its exports to the runtime. Throws what the module throws. */
export function bindModule(realm: Realm, module: ivm.Module, timeoutMs: number): void {
  module.evaluateSync({ timeout: timeoutMs })
  realm.enter.applySync(undefined, [ENTRY.bind, module.namespace.derefInto(), ''], { timeout: timeoutMs })
}

/** The bridge of a realm that no run is using: a left-over continuation of an earlier run gets nothing done. */
export function refuse(): number {
  return 0
}
