import { hash } from 'node:crypto'
import { CloisterError } from '../core/errors.ts'
import type { AliasRecord, FunctionRecord } from '../core/function-store.ts'
import type { AliasName } from '../core/ids.ts'

interface Call {
  readonly prefer?: number | undefined
  readonly caller?: string | undefined
}

/**
 * The version that a call by an alias gets. While a canary lasts, a caller's name decides, the same way each time: raising
 * the share moves callers to the canary and none away from it. A call without a name takes its chance. Throws NOT_FOUND.
 */
export function chooseVersion({ name, aliases }: FunctionRecord, alias: AliasName, { prefer, caller }: Call): number {
  const found = aliases.find((each) => each.name === alias)
  if (found === undefined) {
    throw new CloisterError('NOT_FOUND', `function "${name}" has no alias "${alias}"; it names no version yet`)
  }
  const { canary } = found
  if (prefer !== undefined) return checkLed(found, prefer)
  if (canary === undefined) return found.version
  const place = caller === undefined ? Math.random() : placeOf(`${name} ${alias} ${canary.version} ${caller}`)
  return place * 100 < canary.percent ? canary.version : found.version
}

/** Whoever may only call an alias must not reach versions that it does not lead to. */
function checkLed({ name, version, canary }: AliasRecord, wanted: number): number {
  if (wanted === version || wanted === canary?.version) return wanted
  throw new CloisterError('NOT_FOUND', `alias "${name}" does not lead to version ${wanted}`)
}

/** Spreads texts evenly over 0 to 1. */
function placeOf(text: string): number {
  return Number.parseInt(hash('sha256', text).slice(0, 8), 16) / 2 ** 32
}
