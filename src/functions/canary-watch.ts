import { LRUCache } from 'lru-cache'
import { type EventData, listen } from '../core/events.ts'
import type { AliasRecord, RollbackFinding } from '../core/function-store.ts'
import type { AliasName, FunctionName, TenantId } from '../core/ids.ts'
import type { NanoUsd } from '../core/quantity.ts'
import type { Usage } from '../core/run.ts'
import { CanaryTrial, DEFAULT_RULES } from './rollback/canary-trial.ts'

/** A canary that turned out worse. */
export interface WorseCanary {
  readonly tenant: TenantId
  readonly name: FunctionName
  readonly alias: AliasName
  readonly stable: number
  readonly canary: number
  readonly findings: readonly RollbackFinding[]
}

interface Parts {
  readonly costOf: (usage: Usage) => NanoUsd
  /** Told once of each canary that is significantly worse than its stable version. */
  readonly onWorse: (worse: WorseCanary) => void
}

/** One alias with a canary. */
interface Watch {
  readonly alias: AliasName
  readonly stable: number
  readonly canary: number
  readonly rules: string
  readonly trial: CanaryTrial
  isOver: boolean
}

/** Functions whose canaries are watched at once: each takes 15 KB. The one that was called longest ago is let go. */
const FUNCTIONS_MAX = 1_000

/** Watches the runs of functions while an alias sends a share of its calls to a canary. */
export class CanaryWatch implements Disposable {
  readonly #costOf: Parts['costOf']
  readonly #onWorse: Parts['onWorse']
  readonly #watches = new LRUCache<string, Map<AliasName, Watch>>({ max: FUNCTIONS_MAX })
  readonly #stop: () => void

  constructor({ costOf, onWorse }: Parts) {
    this.#costOf = costOf
    this.#onWorse = onWorse
    this.#stop = listen('run.finished', (run) => this.#take(run))
  }

  /** An alias is called. Raising the share of a canary keeps what is known of it; anything else starts anew. */
  called(tenant: TenantId, name: FunctionName, { name: alias, version, canary }: AliasRecord): void {
    const key = keyOf(tenant, name)
    if (canary === undefined || canary.percent === 0 || canary.rollback === 'off') {
      this.#watches.get(key)?.delete(alias)
      return
    }
    const rules = JSON.stringify(canary.rollback ?? {})
    const watches = this.#watches.get(key) ?? new Map<AliasName, Watch>()
    const known = watches.get(alias)
    const isSame = known?.stable === version && known.canary === canary.version && known.rules === rules
    if (isSame && !known.isOver) return
    const trial = new CanaryTrial({ ...DEFAULT_RULES, ...canary.rollback })
    watches.set(alias, { alias, stable: version, canary: canary.version, rules, trial, isOver: false })
    this.#watches.set(key, watches)
  }

  /** Lets go of what is known of a canary, because its alias was changed by somebody. */
  forget(tenant: TenantId, name: FunctionName, alias: AliasName): void {
    this.#watches.get(keyOf(tenant, name))?.delete(alias)
  }

  [Symbol.dispose](): void {
    this.#stop()
    this.#watches.clear()
  }

  #take({ tenant, function: version, status, usage }: EventData<'run.finished'>): void {
    // A caller who went away is neither a success nor a failure.
    if (version === undefined || status === 'cancelled') return
    const watches = this.#watches.get(keyOf(tenant, version.name))
    for (const watch of watches?.values() ?? []) {
      if (watch.isOver || (version.version !== watch.canary && version.version !== watch.stable)) continue
      const findings = watch.trial.add(version.version === watch.canary ? 'canary' : 'stable', {
        ok: status === 'ok',
        cold: usage.coldStart,
        amounts: { latency: usage.wall, cpu: usage.cpu, cost: Number(this.#costOf(usage)) },
      })
      if (findings.length === 0) continue
      watch.isOver = true
      const { alias, stable, canary } = watch
      this.#onWorse({ tenant, name: version.name, alias, stable, canary, findings })
    }
  }
}

/** Neither name has a space. */
function keyOf(tenant: TenantId, name: FunctionName): string {
  return `${tenant} ${name}`
}
