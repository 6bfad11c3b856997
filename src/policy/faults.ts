import type { z } from 'zod'
import { CloisterError } from '../core/errors.ts'

/** One thing that is wrong with a policy. */
export interface PolicyFault {
  /** Where: `limits.wallMs`; `$` is the policy itself. */
  readonly path: string
  /** What is wrong with the value, and its bound. */
  readonly message: string
}

/** Faults listed of one policy. A body of megabytes can hold a million unknown fields; nobody reads that many. */
export const FAULTS_MAX = 100
/** Longest piece of somebody's text that a fault quotes. */
const QUOTED_MAX = 60

/** Shows a value inside a fault: short, quoted, without its contents. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') {
    return String(value)
  }
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Text of unknown origin as one short line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text)
}

/** Writes a path as `limits.wallMs`; parts that are no plain word are quoted: `limits["wall ms"]`. */
export function formatPath(parts: readonly PropertyKey[]): string {
  const text = parts
    .map((part) => {
      if (typeof part === 'number') return `[${part}]`
      const word = String(part)
      return /^[A-Za-z_$][\w$-]{0,59}$/.test(word) ? `.${word}` : `[${quoted(word)}]`
    })
    .join('')
  return text === '' ? '$' : text.replace(/^\./, '')
}

/** A fault before its path is written out. */
export interface RawFault {
  readonly parts: readonly PropertyKey[]
  readonly message: string
}

/** Flattens what zod found: one fault a field. Needs issues that carry their input (`reportInput`). */
export function faultsOf(issues: readonly z.core.$ZodIssue[], above: readonly PropertyKey[] = []): RawFault[] {
  return issues.flatMap((issue): RawFault[] => {
    const parts = [...above, ...issue.path]
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => ({ parts: [...parts, key], message: issue.message }))
      case 'invalid_union': {
        // Every union of the schema is a value, bare or with its reason: the faults of the form that was meant.
        const [bare = [], reasoned = []] = issue.errors
        return faultsOf(isRecord(issue.input) ? reasoned : bare, parts)
      }
      default:
        return [{ parts, message: issue.message }]
    }
  })
}

/** Writes faults out: each once, and a last one that counts those past the bound. */
export function listFaults(raw: readonly RawFault[]): readonly PolicyFault[] {
  const faults = new Map<string, PolicyFault>()
  for (const { parts, message } of raw.slice(0, FAULTS_MAX)) {
    const path = formatPath(parts)
    faults.set(`${path}: ${message}`, { path, message })
  }
  const rest = raw.length - FAULTS_MAX
  if (rest > 0) faults.set('rest', { path: '$', message: `has ${rest} more faults` })
  return [...faults.values()]
}

/** The refusal that lists every fault with its path, and the file it is in where there is one. */
export function invalidPolicy(faults: readonly PolicyFault[], source?: string): CloisterError {
  return new CloisterError('INVALID_POLICY', faults.map((fault) => faultLine(fault, source)).join('; '))
}

/** One fault as one line: `pro.json: limits.wallMs: must be …`. */
export function faultLine({ path, message }: PolicyFault, source?: string): string {
  return `${source === undefined ? '' : `${source}: `}${path}: ${message}`
}

/** Whether a value is an object with named fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
