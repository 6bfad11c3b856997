import type ivm from 'isolated-vm'
import { ENTRY } from '../../sandbox-api/bridge.ts'
import type { CellArtifact } from '../wire/to-cell.ts'
import { thrownText } from './error-text.ts'
import { type Fault, Loader } from './loader.ts'
import type { Realm } from './realm.ts'
import { type Step, type Steps, apply, evaluate } from './steps.ts'

/** What the evaluation of code needs of the run it belongs to. */
export interface Entrance {
  /** What stands before the names of modules in stacks, and is not the guest's to see. */
  readonly origin: string
  /** Whether what a step threw is the end of the run's time or memory. */
  isLimit(thrown: unknown): boolean
}

/** The code of a run: evaluates an artifact in its realm, at once and as far as `import()` asks for more of it. */
export class RunCode {
  readonly #realm: Realm
  readonly #entrance: Entrance
  #artifact: number | undefined

  constructor(realm: Realm, entrance: Entrance) {
    this.#realm = realm
    this.#entrance = entrance
  }

  /** Takes the step `start`, compiles, links and begins to evaluate. The runtime calls `bound` when that has come to its end. */
  *load(artifact: CellArtifact | undefined, start: Step): Steps {
    yield start
    if (artifact === undefined) throw new Error('the code of this run was not sent')
    this.#artifact = artifact.number
    const loader = new Loader(this.#realm.isolate.vm, this.#realm.context, artifact, this.#entrance.origin)
    this.#realm.loader = loader
    const main = loader.linkMain()
    yield* this.#evaluate(loader, main, () => apply(ENTRY.bind, 0, main.namespace.derefInto()))
  }

  /** The realm holds the artifact from now on. */
  bound(): void {
    this.#realm.artifact = this.#artifact
  }

  /** Does what an `import()` asks for. */
  *import(number: number): Steps {
    const { loader } = this.#realm
    const linked = loader && (yield* this.#link(loader, number))
    if (loader === undefined || linked === undefined) return
    const { watcher, fault } = linked.loading
    const tell = (): Step => apply(ENTRY.loaded, number, watcher.namespace.derefInto())
    if (fault !== undefined) yield* this.rejectFailed()
    else if (linked.isNew) yield* this.#evaluate(loader, watcher, tell)
    else yield tell()
  }

  /** What keeps the main module from being evaluated, given what a step threw; nothing if it may come to its end. */
  *faultOf(thrown: unknown): Steps<Fault | undefined> {
    const { artifact, loader } = this.#realm
    if (artifact !== undefined) return undefined
    return loader === undefined ? { thrown } : yield* loader.faultOfMain(thrown)
  }

  /** Rejects the imports whose modules have failed. Returns whether there were any. */
  *rejectFailed(): Steps<boolean> {
    const { loader } = this.#realm
    const failed = loader === undefined ? [] : yield* loader.takeFailed()
    for (const { number, thrown } of failed) yield this.#unloadable(number, thrown)
    return failed.length > 0
  }

  *#link(loader: Loader, number: number): Steps<ReturnType<Loader['link']>> {
    try {
      return loader.link(number)
    } catch (thrown) {
      if (this.#entrance.isLimit(thrown)) throw thrown
      yield this.#unloadable(number, thrown)
      return undefined
    }
  }

  #unloadable(number: number, thrown: unknown): Step {
    return apply(ENTRY.unloadable, number, thrownText(thrown, this.#entrance.origin))
  }

  /** Evaluates as far as the first await, then hands on what tells of the end. Throws what was rejected meanwhile. */
  *#evaluate(loader: Loader, module: ivm.Module, tell: () => Step): Steps {
    const door = yield* loader.takeDoor()
    if (door !== undefined) yield apply(ENTRY.door, 0, door.namespace.derefInto())
    let rejected: Fault | undefined
    try {
      yield evaluate(module)
    } catch (thrown) {
      if (this.#entrance.isLimit(thrown)) throw thrown
      rejected = { thrown }
    }
    yield tell()
    if (rejected !== undefined) throw rejected.thrown
  }
}
