import type { z } from 'zod'
import type { Policy } from '../core/policy.ts'
import { FAULTS_MAX, faultsOf, isRecord, listFaults, quoted, type PolicyFault, type RawFault } from './faults.ts'
import { GRANT_NAMES, GRANT_RULES, type GrantName } from './grants.ts'
import { fromJson, toJson } from './policy-json.ts'
import { completeSchema, overlaySchema, type CompletePolicy, type PolicyOverlay } from './schema.ts'

/** A frozen policy, or every fault of what was given. */
export type CheckedPolicy = { readonly policy: Policy } | { readonly faults: readonly PolicyFault[] }

/** The policy that gives what is missing, unless `extends` names another. */
export const ROOT_POLICY = 'default'
/** What an overlay without a name is called in the ledger. */
export const UNNAMED_POLICY = 'custom'

/**
 * Makes a policy of a value that anyone may have written. `find` gives the policies that `extends` may name. Never
 * throws: whatever is wrong comes back as faults, each with its path. Time and memory are linear in what was given.
 */
export function checkPolicy(given: unknown, find: (name: string) => Policy | undefined): CheckedPolicy {
  const { overlay, faults, faulty } = checkShape(given)
  if (overlay === undefined) return { faults: listFaults(faults) }
  const baseName = overlay.extends ?? ROOT_POLICY
  const base = find(baseName)
  if (base === undefined && overlay.extends !== undefined) {
    faults.push({ parts: ['extends'], message: `no policy is named ${quoted(baseName)}` })
    return { faults: listFaults(faults) }
  }
  const merged = inherit(base, overlay)
  faults.push(...fit(merged, overlay), ...fitEngine(merged, overlay))
  const complete = completeSchema.safeParse(merged, { reportInput: true })
  if (!complete.success) faults.push(...missing(complete.error.issues, faulty, base))
  if (complete.success && faults.length === 0) return { policy: fromJson(complete.data) }
  return { faults: listFaults(faults) }
}

interface Shape {
  /** What is sound of it; absent if nothing can be inherited or compared. */
  readonly overlay?: PolicyOverlay
  readonly faults: RawFault[]
  /** The fields that have faults. */
  readonly faulty: ReadonlySet<string>
}

/** Checks field by field. Sound fields beside faulty ones are kept, so that faults between fields are found as well. */
function checkShape(given: unknown): Shape {
  const first = overlaySchema.safeParse(given, { reportInput: true })
  if (first.success) return { overlay: first.data, faults: [], faulty: new Set() }
  const faults = faultsOf(first.error.issues)
  // What nobody reads to its end need not be searched for more.
  if (faults.length > FAULTS_MAX) return { faults, faulty: new Set() }
  const faulty = new Set(first.error.issues.flatMap(fieldsOf))
  if (faulty.has(pathKey([])) || faulty.has(pathKey(['extends']))) return { faults, faulty }
  const second = overlaySchema.safeParse(without(faulty, given, []))
  return second.success ? { overlay: second.data, faults, faulty } : { faults, faulty }
}

function fieldsOf(issue: z.core.$ZodIssue): string[] {
  return issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => pathKey([...issue.path, key]))
    : [pathKey(issue.path)]
}

/** A copy without the faulty fields. What is left follows the schema, which bounds the depth. */
function without(faulty: ReadonlySet<string>, value: unknown, parts: readonly PropertyKey[]): unknown {
  if (!isRecord(value)) return value
  const sound = Object.entries(value)
    .filter(([key]) => !faulty.has(pathKey([...parts, key])))
    .map(([key, inner]) => [key, without(faulty, inner, [...parts, key])])
  return Object.fromEntries(sound)
}

const pathKey = (parts: readonly PropertyKey[]): string => JSON.stringify(parts)

type Fields = Record<string, unknown>

/** A policy that may still lack fields. */
interface MergedPolicy {
  readonly name: string
  readonly walls: string | undefined
  readonly limits: Fields
  readonly rate: Fields
  readonly instance: Fields
  readonly engine: Fields
  readonly functions: Fields
  readonly events: Fields
  readonly capabilities: Readonly<Record<string, Fields>>
}

/** Lays the overlay over the base. The result is complete only if one of the two has each field. */
function inherit(base: Policy | undefined, overlay: PolicyOverlay): MergedPolicy {
  const under: Partial<CompletePolicy> = base === undefined ? {} : toJson(base)
  return {
    name: overlay.name ?? UNNAMED_POLICY,
    walls: overlay.walls ?? under.walls,
    limits: lay(under.limits, overlay.limits),
    rate: lay(under.rate, overlay.rate),
    instance: lay(under.instance, overlay.instance),
    engine: lay(under.engine, overlay.engine),
    functions: lay(under.functions, overlay.functions),
    events: lay(under.events, overlay.events),
    capabilities: inheritGrants(under.capabilities, overlay.capabilities),
  }
}

function inheritGrants(
  under: CompletePolicy['capabilities'] | undefined,
  over: PolicyOverlay['capabilities'],
): Record<string, Fields> {
  const grants: Record<string, Fields> = {}
  for (const name of GRANT_NAMES) {
    const stated = over?.[name]
    // Null takes away what is inherited.
    if (stated === null || (stated === undefined && under?.[name] === undefined)) continue
    grants[name] = lay(under?.[name], stated)
  }
  return grants
}

function lay(under: object | undefined, over: object | undefined): Fields {
  const stated = Object.entries(over ?? {}).filter(([, value]) => value !== undefined)
  return { ...under, ...Object.fromEntries(stated) }
}

/** Fields that neither the overlay nor its base has. A field that is there with a fault is not missing as well. */
function missing(
  issues: readonly z.core.$ZodIssue[],
  faulty: ReadonlySet<string>,
  base: Policy | undefined,
): RawFault[] {
  const why = base === undefined ? 'there is no policy' : `policy ${quoted(base.name)} has none`
  return faultsOf(issues)
    .filter(({ parts }) => !parts.some((_, index) => faulty.has(pathKey(parts.slice(0, index + 1)))))
    .map(({ parts }) => ({ parts, message: `is missing, and ${why} to inherit` }))
}

interface Rule {
  readonly section: 'limits' | GrantName
  readonly field: string
  /** The ceiling is another field of the section, so many times. */
  readonly times: number
  readonly beside: string
  /** How the ceiling is spoken of. */
  readonly spoken: string
}

/* prettier-ignore */
const RULES: readonly Rule[] = [
  // A cell has at most eight threads, so a higher limit could never be met.
  { section: 'limits', field: 'cpuMs',       times: 8,       beside: 'wallMs',      spoken: '8 × limits.wallMs' },
  // Text and the value made of it are in memory at the same time.
  { section: 'limits', field: 'inputBytes',  times: 1 << 19, beside: 'memoryMb',    spoken: 'half of limits.memoryMb' },
  { section: 'limits', field: 'outputBytes', times: 1 << 19, beside: 'memoryMb',    spoken: 'half of limits.memoryMb' },
  { section: 'limits', field: 'codeBytes',   times: 1 << 19, beside: 'memoryMb',    spoken: 'half of limits.memoryMb' },
  ...GRANT_NAMES.flatMap((section) =>
    (GRANT_RULES[section] ?? []).map((rule) => ({ section, times: 1, spoken: `capabilities.${section}.${rule.beside}`, ...rule })),
  ),
]

/**
 * Holds fields against each other. A field that the overlay states is a fault when it is over its ceiling; one that is
 * only inherited gives way and is lowered, so that `{ "limits": { "wallMs": 100 } }` is all that a caller must write.
 */
function fit(merged: MergedPolicy, overlay: PolicyOverlay): RawFault[] {
  const faults: RawFault[] = []
  for (const { section, field, times, beside, spoken } of RULES) {
    const fields: Fields = (section === 'limits' ? merged.limits : merged.capabilities[section]) ?? {}
    const stated: Fields = (section === 'limits' ? overlay.limits : overlay.capabilities?.[section]) ?? {}
    const ceiling = Number(fields[beside]) * times
    const value = Number(fields[field])
    // Not so either if one of the two is missing, which is NaN here and a fault elsewhere.
    if (!(value > ceiling)) continue
    const parts = section === 'limits' ? ['limits', field] : ['capabilities', section, field]
    if (stated[field] === undefined) fields[field] = ceiling
    else faults.push({ parts, message: `must be at most ${spoken}, which is ${ceiling}, not ${value}` })
  }
  return faults
}

/** V8 without its compilers has no WebAssembly: stating `wasm` beside that is a fault, an inherited one gives way. */
function fitEngine({ engine }: MergedPolicy, overlay: PolicyOverlay): RawFault[] {
  if (engine['jit'] !== false || engine['wasm'] !== true) return []
  if (overlay.engine?.wasm === undefined) {
    engine['wasm'] = false
    return []
  }
  const message = 'must be false while engine.jit is false: V8 has no WebAssembly without its compilers'
  return [{ parts: ['engine', 'wasm'], message }]
}
