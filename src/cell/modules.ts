import type ivm from 'isolated-vm'
import type { CellArtifact } from '../wire/to-cell.ts'
import { type DataKind, kindFor } from './data-source.ts'
import { DOOR, DOOR_SOURCE, PROBE_SOURCE, WATCHER_SOURCE } from './door.ts'
import { type PreparedSource, prepareData, prepareSource } from './source.ts'
import { resolveSpecifier } from './specifier.ts'

/** Names that generated code goes by; no stack of a guest's shows them. */
const GENERATED = 'cloister:runtime/modules'

interface Compiled {
  readonly module: ivm.Module
  readonly name: string
  readonly types: ReadonlyMap<string, string>
}

/** What an `import()` means. */
interface Target {
  /** Equal for imports of the same module. */
  readonly key: string
  readonly watch: () => ivm.Module
}

/**
 * The modules of an artifact in one realm: compiled and linked when the first of them is needed, by static imports or by
 * `import()`. What cannot be compiled or linked is thrown: a SyntaxError with `[file:line:column]`, or a TypeError that names
 * the import that leads nowhere.
 */
export class Modules {
  readonly #isolate: ivm.Isolate
  readonly #context: ivm.Context
  readonly #artifact: CellArtifact
  readonly #origin: string
  readonly #sources: ReadonlyMap<string, string>
  readonly #names: ReadonlySet<string>
  readonly #compiled = new Map<string, Compiled>()
  readonly #byModule = new Map<ivm.Module, Compiled>()
  #door: ivm.Module | undefined

  /** `origin` is what debuggers find before the modules' names. */
  constructor(isolate: ivm.Isolate, context: ivm.Context, artifact: CellArtifact, origin: string) {
    this.#isolate = isolate
    this.#context = context
    this.#artifact = artifact
    this.#origin = origin
    this.#sources = new Map(artifact.modules)
    this.#names = new Set(this.#sources.keys())
  }

  /** Through which the modules linked so far have the runtime's functions; undefined if none of them needs any. */
  get door(): ivm.Module | undefined {
    return this.#door
  }

  /** A module to evaluate that runs the main module first; its namespace tells when that has been evaluated. */
  watchMain(): ivm.Module {
    return this.#watch(() => this.#compile(this.#artifact.main, 'code', 'main'))
  }

  /** What `import()` in the module `from` means: `watch` gives the same for it. Throws if there is no such module. */
  find(from: string, specifier: string, type: string | undefined): Target {
    const name = resolveSpecifier(specifier, from, this.#names)
    const kind = kindFor(name, type)
    return { key: `${kind} ${name}`, watch: () => this.#watch(() => this.#compile(name, kind, 'dependency')) }
  }

  /** A module to evaluate that throws what the watched one has thrown; nothing if that has been, or still is, evaluated. */
  probe(watcher: ivm.Module): ivm.Module {
    const module = this.#generate(PROBE_SOURCE)
    module.instantiateSync(this.#context, () => watcher)
    return module
  }

  #watch(compile: () => Compiled): ivm.Module {
    const watcher = this.#generate(WATCHER_SOURCE)
    const known = new Set(this.#compiled.keys())
    try {
      const { module } = compile()
      watcher.instantiateSync(this.#context, (specifier, referrer) =>
        referrer === watcher ? module : this.#link(specifier, referrer),
      )
    } catch (error) {
      // They cannot be linked any more: another attempt begins anew.
      for (const key of this.#compiled.keys()) if (!known.has(key)) this.#compiled.delete(key)
      throw withTypeHint(error, this.#artifact)
    }
    return watcher
  }

  #link(specifier: string, referrer: ivm.Module): ivm.Module {
    const from = this.#byModule.get(referrer)
    if (specifier === DOOR || from === undefined) {
      return (this.#door ??= this.#makeDoor())
    }
    const name = resolveSpecifier(specifier, from.name, this.#names)
    return this.#compile(name, kindFor(name, from.types.get(specifier)), 'dependency').module
  }

  #compile(name: string, kind: DataKind | 'code', role: 'main' | 'dependency'): Compiled {
    const key = `${kind} ${name}`
    const existing = this.#compiled.get(key)
    if (existing !== undefined) return existing
    const { code, columnOffset, types } = prepared(this.#artifact, key, () => {
      const source = this.#sources.get(name) ?? ''
      return kind === 'code' ? prepareSource(name, source, role) : prepareData(name, source, kind)
    })
    const filename = this.#origin + name
    const compiled = { module: this.#isolate.compileModuleSync(code, { filename, columnOffset }), name, types }
    this.#compiled.set(key, compiled)
    this.#byModule.set(compiled.module, compiled)
    return compiled
  }

  #makeDoor(): ivm.Module {
    const door = this.#generate(DOOR_SOURCE)
    // For itself: isolated-vm crashes over the evaluation of a module that was instantiated as a dependency only.
    door.instantiateSync(this.#context, () => door)
    return door
  }

  #generate(source: string): ivm.Module {
    return this.#isolate.compileModuleSync(source, { filename: GENERATED })
  }
}

const preparations = new WeakMap<CellArtifact, Map<string, PreparedSource>>()

/** What was made of an artifact's sources, once for all realms: fresh globals need the code again in every run. */
function prepared(artifact: CellArtifact, key: string, prepare: () => PreparedSource): PreparedSource {
  const known = preparations.getOrInsertComputed(artifact, () => new Map<string, PreparedSource>())
  return known.getOrInsertComputed(key, prepare)
}

/** A type that is imported as if it were a value is what TypeScript's users meet most. */
function withTypeHint(error: unknown, { language }: CellArtifact): unknown {
  if (language !== 'typescript' || !(error instanceof Error)) return error
  if (!error.message.includes('does not provide an export named')) return error
  error.message = error.message.replace(/(?= \[|$)/, ' (if it is a type, write `import type`)')
  return error
}
