import type ivm from 'isolated-vm'
import type { CellArtifact } from '../wire/to-cell.ts'
import { Modules } from './modules.ts'
import { type Steps, evaluate } from './steps.ts'

/** Imports that a realm may have asked for and not got yet. */
const WANTED_MAX = 1_000

/** What code has thrown, which may be anything. */
export interface Fault {
  readonly thrown: unknown
}

/** What an `import()` asks for. */
interface Wanted {
  readonly from: string
  readonly specifier: string
  readonly type: string | undefined
}

/** An `import()` whose module has failed. */
interface Failed extends Fault {
  readonly number: number
}

/** The module of one or more `import()`s. */
interface Loading {
  readonly watcher: ivm.Module
  /** Imports that wait for its evaluation. */
  readonly numbers: number[]
  /** Whether what it threw is known, and what. */
  fault: Fault | undefined
}

/**
 * Evaluates an artifact's modules in a realm. isolated-vm tells of an evaluation that fails later, at an await, only as one
 * of the rejections that nobody handled: whose it is, is found out by evaluating a module that needs the one in question.
 */
export class Loader {
  readonly modules: Modules
  readonly #loading = new Map<string, Loading>()
  readonly #wanted = new Map<number, Wanted>()
  #main: ivm.Module | undefined
  #door: ivm.Module | undefined
  #last = 0

  constructor(isolate: ivm.Isolate, context: ivm.Context, artifact: CellArtifact, origin: string) {
    this.modules = new Modules(isolate, context, artifact, origin)
  }

  /** Whether the guest's code has asked for a module and the cell has not looked for it yet. */
  get isWanted(): boolean {
    return this.#wanted.size > 0
  }

  /** Links the main module. Gives what is to be evaluated. */
  linkMain(): ivm.Module {
    this.#main = this.modules.watchMain()
    return this.#main
  }

  /** The door that has to be opened before anything more is evaluated, once. */
  *takeDoor(): Steps<ivm.Module | undefined> {
    const { door } = this.modules
    if (door === undefined || door === this.#door) return undefined
    yield evaluate(door)
    this.#door = door
    return door
  }

  /** Notes an `import()`: its number, or 0 if there are too many. `about` and `specifier` are the guest's. */
  want(about: string, specifier: string): number {
    if (this.#wanted.size >= WANTED_MAX) return 0
    const [from = '', type] = String(about).split('\n', 2)
    this.#last += 1
    this.#wanted.set(this.#last, { from, specifier: String(specifier), type })
    return this.#last
  }

  /** Links what an `import()` asks for; undefined if it is not wanted any more. */
  link(number: number): { readonly loading: Loading; readonly isNew: boolean } | undefined {
    const wanted = this.#wanted.get(number)
    if (!this.#wanted.delete(number) || wanted === undefined) return undefined
    const found = this.modules.find(wanted.from, wanted.specifier, wanted.type)
    const known = this.#loading.get(found.key)
    const loading = known ?? { watcher: found.watch(), numbers: [], fault: undefined }
    this.#loading.set(found.key, loading)
    loading.numbers.push(number)
    return { loading, isNew: known === undefined }
  }

  /** What the main module has thrown, undefined if nothing yet. `thrown` is what an entry threw before it was linked. */
  *faultOfMain(thrown: unknown): Steps<Fault | undefined> {
    return this.#main === undefined ? { thrown } : yield* this.#faultOf(this.#main)
  }

  /** Imports whose module has turned out to fail, with what it threw. */
  *takeFailed(): Steps<readonly Failed[]> {
    const failed: Failed[] = []
    for (const loading of this.#loading.values()) {
      if (loading.numbers.length === 0) continue
      loading.fault ??= yield* this.#faultOf(loading.watcher)
      const { fault } = loading
      if (fault === undefined) continue
      failed.push(...loading.numbers.splice(0).map((number) => ({ number, thrown: fault.thrown })))
    }
    return failed
  }

  /** A run is over: what it asked for is not looked for any more. */
  forget(): void {
    this.#wanted.clear()
  }

  *#faultOf(watcher: ivm.Module): Steps<Fault | undefined> {
    const probe = this.modules.probe(watcher)
    try {
      yield evaluate(probe)
      return undefined
    } catch (thrown) {
      return { thrown }
    }
  }
}
