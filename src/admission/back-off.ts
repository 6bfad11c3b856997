import type { Clock } from '../core/clock.ts'
import { CloisterError } from '../core/errors.ts'
import { emit } from '../core/events.ts'
import type { TenantId } from '../core/ids.ts'
import { type EpochMillis, type Millis, epochMillis, millis } from '../core/quantity.ts'
import type { LastDeath } from './deaths.ts'
import type { Member } from './tenant-directory.ts'

/** What a tenant's code has done to its cells since the host started. */
export interface CellsView {
  readonly deaths: number
  readonly last: LastDeath | undefined
  /** When new runs are admitted again; undefined if they are now. */
  readonly backedOffUntil: EpochMillis | undefined
}

interface Parts {
  readonly clock: Clock
  readonly find: (tenant: TenantId) => Member | undefined
}

/**
 * Holds off tenants whose code keeps bringing down cells, so that crashing is neither free nor a way to keep the host from
 * serving others. Runs that were admitted before go on.
 */
export class BackOff {
  readonly #clock: Clock
  readonly #find: Parts['find']
  /** Tenants that were held off when last looked; as many as there are tenants, at most. */
  readonly #tenants = new Set<TenantId>()

  constructor({ clock, find }: Parts) {
    this.#clock = clock
    this.#find = find
  }

  /** Tenants whose new runs are held off now. */
  get count(): number {
    for (const tenant of this.#tenants) if (this.#waitOf(tenant) === 0) this.#tenants.delete(tenant)
    return this.#tenants.size
  }

  /** A tenant's code has brought down a cell. Returns how long its new runs are held off; 0 if they are not. */
  record(tenant: TenantId, reason: string): Millis {
    const member = this.#find(tenant)
    // A tenant that was deleted, or whose policy is not valid here, is admitted nothing anyway.
    if (member?.policy === undefined) return millis(0)
    const { deaths, policy } = member
    const before = deaths.waitAt(this.#clock.elapsed())
    const wait = deaths.record({ reason, at: this.#clock.now() }, policy.rate, this.#clock.elapsed())
    if (wait > before) {
      this.#tenants.add(tenant)
      emit('tenant.backed-off', { tenant, reason, deaths: deaths.total, waitMs: wait })
    }
    return wait
  }

  /** Throws RATE_LIMITED while the tenant's new runs are held off. */
  check({ record, deaths }: Member): void {
    const wait = deaths.waitAt(this.#clock.elapsed())
    if (wait === 0) return
    const reason = deaths.last?.reason ?? 'crash'
    emit('run.held-off', { tenant: record.id, reason })
    const cells = `${deaths.total} ${deaths.total === 1 ? 'cell' : 'cells'}`
    throw new CloisterError(
      'RATE_LIMITED',
      `the code of tenant "${record.id}" has brought down ${cells}, the last one by "${reason}"; new runs are admitted again in ${Math.ceil(wait) / 1_000} s`,
      { retryAfterMs: wait },
    )
  }

  view({ deaths }: Member): CellsView {
    const wait = deaths.waitAt(this.#clock.elapsed())
    const backedOffUntil = wait === 0 ? undefined : epochMillis(this.#clock.now() + Math.ceil(wait))
    return { deaths: deaths.total, last: deaths.last, backedOffUntil }
  }

  #waitOf(tenant: TenantId): Millis {
    return this.#find(tenant)?.deaths.waitAt(this.#clock.elapsed()) ?? millis(0)
  }
}
