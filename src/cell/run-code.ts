import type ivm from 'isolated-vm'
import { ENTRY } from '../../sandbox-api/bridge.ts'
import type { CellArtifact } from '../wire/to-cell.ts'
import { thrownText } from './error-text.ts'
import { type Fault, Loader } from './loader.ts'
import type { Realm } from './realm.ts'

/** What the evaluation of code needs of the run it belongs to. */
export interface Entrance {
  /** Enters the realm's runtime. Throws what isolated-vm throws. */
  apply(entry: number, a: string | number, b: unknown): void
  timeLeftMs(): number
  /** Whether what an entry threw is the end of the run's time or memory. */
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

  /** Compiles, links and begins to evaluate. The runtime calls `bound` when the main module is evaluated. */
  load(artifact: CellArtifact | undefined): void {
    if (artifact === undefined) throw new Error('the code of this run was not sent')
    this.#artifact = artifact.number
    const loader = new Loader(this.#realm.isolate.vm, this.#realm.context, artifact)
    this.#realm.loader = loader
    const main = loader.linkMain()
    this.#evaluate(loader, main, () => this.#entrance.apply(ENTRY.bind, 0, main.namespace.derefInto()))
  }

  /** The realm holds the artifact from now on. */
  bound(): void {
    this.#realm.artifact = this.#artifact
  }

  /** Does what an `import()` asks for. */
  import(number: number): void {
    const { loader } = this.#realm
    const linked = loader && this.#link(loader, number)
    if (loader === undefined || linked === undefined) return
    const { watcher, fault } = linked.loading
    const tell = (): void => this.#entrance.apply(ENTRY.loaded, number, watcher.namespace.derefInto())
    if (fault !== undefined) this.rejectFailed()
    else if (linked.isNew) this.#evaluate(loader, watcher, tell)
    else tell()
  }

  /** What keeps the main module from being evaluated, given what an entry threw; nothing if it may come to its end. */
  faultOf(thrown: unknown): Fault | undefined {
    const { artifact, loader } = this.#realm
    if (artifact !== undefined) return undefined
    return loader === undefined ? { thrown } : loader.faultOfMain(thrown, this.#entrance.timeLeftMs())
  }

  /** Rejects the imports whose modules have failed. Returns whether there were any. */
  rejectFailed(): boolean {
    const failed = this.#realm.loader?.takeFailed(this.#entrance.timeLeftMs()) ?? []
    for (const { number, thrown } of failed) this.#entrance.apply(ENTRY.unloadable, number, thrownText(thrown))
    return failed.length > 0
  }

  #link(loader: Loader, number: number): ReturnType<Loader['link']> {
    try {
      return loader.link(number)
    } catch (thrown) {
      if (this.#entrance.isLimit(thrown)) throw thrown
      this.#entrance.apply(ENTRY.unloadable, number, thrownText(thrown))
      return undefined
    }
  }

  /** Evaluates as far as the first await, then hands on what tells of the end. Throws what was rejected meanwhile. */
  #evaluate(loader: Loader, module: ivm.Module, tell: () => void): void {
    const door = loader.takeDoor(this.#entrance.timeLeftMs())
    if (door !== undefined) this.#entrance.apply(ENTRY.door, 0, door.namespace.derefInto())
    let rejected: Fault | undefined
    try {
      module.evaluateSync({ timeout: this.#entrance.timeLeftMs() })
    } catch (thrown) {
      if (this.#entrance.isLimit(thrown)) throw thrown
      rejected = { thrown }
    }
    tell()
    if (rejected !== undefined) throw rejected.thrown
  }
}
