import { CloisterError } from '../core/errors.ts'
import type { Policy } from '../core/policy.ts'
import { checkPolicy, ROOT_POLICY, type CheckedPolicy } from './check.ts'
import { faultLine, invalidPolicy, isRecord, quoted, type PolicyFault } from './faults.ts'
import { readJsonText } from './json-text.ts'
import { POLICY_NAME } from './schema.ts'

/** A policy as a file holds it. */
export interface PolicySource {
  /** Where it is, for messages. */
  readonly source: string
  /** The policy's name if the text gives none. */
  readonly name: string
  readonly text: string
}

interface Parts {
  /**
   * The folders' policies. A later folder's policy replaces an earlier one of the same name and may extend it; `extends`
   * is looked up in a policy's own folder first and then in the ones before it.
   */
  readonly folders: readonly (readonly PolicySource[])[]
}

/** The policies that tenants can be given by name, and the way to make one from an overlay. */
export interface PolicyCatalog {
  /** The policy of that name. It is the same object every time. */
  find(name: string): Policy | undefined
  /**
   * Resolves what a tenant was given: a policy's name, an overlay as an object, or an overlay as JSON text (it starts
   * with a brace, which no name does). Throws INVALID_POLICY with every fault and its path.
   */
  resolve(given: unknown): Policy
  /** Like `resolve` for an overlay, but gives the faults as data and never throws. */
  check(overlay: unknown): CheckedPolicy
  /** All names, in alphabetical order. */
  names(): readonly string[]
}

/**
 * Resolves all policies at once. Throws INVALID_POLICY with every fault of every file.
 *
 * Invariant: what a name means never changes while the catalog lives.
 */
export function createPolicyCatalog({ folders }: Parts): PolicyCatalog {
  const resolution = new Resolution(folders)
  const policies = resolution.run()
  const find = (name: string): Policy | undefined => policies.get(name)
  const names = Object.freeze([...policies.keys()].toSorted())
  const check = (overlay: unknown): CheckedPolicy => checkPolicy(overlay, find)

  const byName = (name: string): Policy => {
    const policy = find(name)
    if (policy !== undefined) return policy
    throw new CloisterError('INVALID_POLICY', `no policy is named ${quoted(name)}; there are ${names.join(', ')}`)
  }
  const resolve = (given: unknown): Policy => {
    if (typeof given === 'string' && !given.trimStart().startsWith('{')) return byName(given)
    const checked = typeof given === 'string' ? checkText(given, check) : check(given)
    if ('policy' in checked) return checked.policy
    throw invalidPolicy(checked.faults)
  }
  return Object.freeze({ find, resolve, check, names: () => names })
}

/** Reads JSON text and checks what it holds. */
export function checkText(text: string, check: (overlay: unknown) => CheckedPolicy): CheckedPolicy {
  const read = readJsonText(text)
  return 'value' in read ? check(read.value) : read
}

/** A file on its way to becoming a policy. */
interface Entry {
  readonly source: string
  readonly value: unknown
  readonly folder: number
  state: 'new' | 'resolving' | 'faulty' | Policy
}

/** Resolves the files of all folders, each after the one that it extends. Used once. */
class Resolution {
  readonly #folders: readonly Map<string, Entry>[]
  readonly #faults: string[] = []

  constructor(folders: readonly (readonly PolicySource[])[]) {
    this.#folders = folders.map((sources, folder) => this.#readFolder(sources, folder))
  }

  /** Later folders are laid over earlier ones. */
  run(): ReadonlyMap<string, Policy> {
    const policies = new Map<string, Policy>()
    for (const folder of this.#folders) {
      for (const [name, entry] of folder) {
        const policy = this.#resolve(entry)
        if (policy !== undefined) policies.set(name, policy)
      }
    }
    if (this.#faults.length > 0) throw new CloisterError('INVALID_POLICY', this.#faults.join('; '))
    return policies
  }

  #readFolder(sources: readonly PolicySource[], folder: number): Map<string, Entry> {
    const entries = new Map<string, Entry>()
    for (const { source, name: fallback, text } of sources) {
      const read = readJsonText(text)
      if ('faults' in read) {
        this.#report(source, read.faults)
        continue
      }
      const value = isRecord(read.value) ? { name: fallback, ...read.value } : read.value
      const name = nameOf(value) ?? fallback
      const twin = entries.get(name)
      if (twin === undefined) entries.set(name, { source, value, folder, state: 'new' })
      else this.#report(source, [{ path: 'name', message: `${quoted(name)} is the name of ${twin.source} too` }])
    }
    return entries
  }

  #resolve(entry: Entry): Policy | undefined {
    if (typeof entry.state === 'object') return entry.state
    if (entry.state === 'faulty') return undefined
    entry.state = 'resolving'
    const base = this.#base(entry)
    const checked = base === 'faulty' ? undefined : checkPolicy(entry.value, () => base)
    if (checked !== undefined && 'policy' in checked) return (entry.state = checked.policy)
    if (checked !== undefined) this.#report(entry.source, checked.faults)
    entry.state = 'faulty'
    return undefined
  }

  /** The policy that an entry builds on; `faulty` once it is reported that there is no sound one. */
  #base(entry: Entry): Policy | undefined | 'faulty' {
    const name = extendsOf(entry.value) ?? ROOT_POLICY
    const below = this.#folders.slice(0, entry.folder + 1).toReversed()
    const base = below.map((folder) => folder.get(name)).find((found) => found !== undefined && found !== entry)
    if (base === undefined) return undefined
    if (base.state === 'resolving') {
      this.#report(entry.source, [{ path: 'extends', message: `${quoted(name)} in turn builds on this policy` }])
      return 'faulty'
    }
    const policy = this.#resolve(base)
    if (policy !== undefined) return policy
    this.#report(entry.source, [{ path: 'extends', message: `${quoted(name)} has faults` }])
    return 'faulty'
  }

  #report(source: string, faults: readonly PolicyFault[]): void {
    this.#faults.push(...faults.map((fault) => faultLine(fault, source)))
  }
}

function nameOf(value: unknown): string | undefined {
  return wordOf(value, 'name')
}

function extendsOf(value: unknown): string | undefined {
  return wordOf(value, 'extends')
}

function wordOf(value: unknown, field: 'name' | 'extends'): string | undefined {
  const word = isRecord(value) && Object.hasOwn(value, field) ? value[field] : undefined
  return typeof word === 'string' && POLICY_NAME.test(word) ? word : undefined
}
