import type { Clock } from '../core/clock.ts'
import { CloisterError } from '../core/errors.ts'
import type { TenantId } from '../core/ids.ts'
import type { Policy } from '../core/policy.ts'
import type { TenantRecord, TenantStore } from '../core/stores.ts'
import { type BudgetChange, changeBudget } from './budget.ts'
import { Deaths } from './deaths.ts'
import { type Env, checkEnv } from './env.ts'
import { TokenBucket } from './token-bucket.ts'
import { UnitBucket } from './unit-bucket.ts'

/** A policy as a tenant may be given it: the name of one in the catalog, or an object laid over one. */
export type PolicyChoice = string | Readonly<Record<string, unknown>>

export interface PolicyCatalog {
  /** Throws INVALID_POLICY with every fault. */
  resolve(choice: PolicyChoice): Policy
}

/** A change of a tenant: what is absent stays as it is. A new tenant has the policy `default` and no budget. */
export interface TenantChange {
  readonly policy?: PolicyChoice | undefined
  readonly budget?: BudgetChange | null | undefined
}

/** A tenant as the hot path needs it. */
export interface Member {
  readonly record: TenantRecord
  /** Absent if the stored policy is not valid on this host, because the catalog has changed since. */
  readonly policy: Policy | undefined
  readonly bucket: TokenBucket
  readonly units: UnitBucket
  /** Goes with the tenant: whoever has the name next has brought down nothing. */
  readonly deaths: Deaths
}

interface Parts {
  readonly clock: Clock
  readonly store: TenantStore
  readonly policies: PolicyCatalog
}

const DEFAULT_POLICY = 'default'

/**
 * Every tenant of the host, in memory, written through to the store: a change is seen once it has been stored. Its
 * caller makes changes one after the other.
 */
export class TenantDirectory {
  readonly #clock: Clock
  readonly #store: TenantStore
  readonly #policies: PolicyCatalog
  readonly #members = new Map<TenantId, Member>()

  constructor({ clock, store, policies }: Parts) {
    this.#clock = clock
    this.#store = store
    this.#policies = policies
  }

  /** Reads every tenant. Called once, before anything else. */
  async load(): Promise<void> {
    for (const record of await this.#store.list()) this.#admit(record, this.#resolveStored(record))
  }

  find(id: TenantId): Member | undefined {
    return this.#members.get(id)
  }

  /** Throws NOT_FOUND. */
  get(id: TenantId): TenantRecord {
    const member = this.#members.get(id)
    if (member === undefined) throw noSuchTenant(id)
    return member.record
  }

  /** By name. */
  list(): readonly TenantRecord[] {
    const records = [...this.#members.values()].map(({ record }) => record)
    return records.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** Creates or changes a tenant. Throws INVALID_POLICY or INVALID_REQUEST, and then nothing has changed. */
  async put(id: TenantId, change: TenantChange): Promise<{ record: TenantRecord; created: boolean }> {
    const present = this.#members.get(id)?.record
    const choice = change.policy ?? readChoice(present?.policy ?? DEFAULT_POLICY)
    const policy = this.#policies.resolve(choice)
    const now = this.#clock.now()
    const record: TenantRecord = Object.freeze({
      id,
      policy: typeof choice === 'string' ? choice : JSON.stringify(choice),
      budget: changeBudget(present?.budget ?? {}, change.budget),
      ...(present?.env && { env: present.env }),
      createdAt: present?.createdAt ?? now,
      updatedAt: now,
    })
    await this.#store.put(record)
    this.#admit(record, policy)
    return { record, created: present === undefined }
  }

  /** Changes a tenant's variables. Throws NOT_FOUND, INVALID_REQUEST, and then nothing has changed. */
  async changeEnv(id: TenantId, change: (present: Env) => Env): Promise<Env> {
    const member = this.#members.get(id)
    if (member === undefined) throw noSuchTenant(id)
    const env = checkEnv(change(member.record.env ?? {}))
    const record: TenantRecord = Object.freeze({ ...member.record, env, updatedAt: this.#clock.now() })
    await this.#store.put(record)
    this.#admit(record, member.policy)
    return env
  }

  /** Throws NOT_FOUND. */
  async delete(id: TenantId): Promise<void> {
    const existed = await this.#store.delete(id)
    const known = this.#members.delete(id)
    if (!existed && !known) throw noSuchTenant(id)
  }

  #admit(record: TenantRecord, policy: Policy | undefined): void {
    // The buckets and the deaths stay: changing a tenant must not hand it a new burst.
    const rate = policy?.rate ?? { burst: 0, unitsBurst: 0 }
    const present = this.#members.get(record.id)
    const bucket = present?.bucket ?? new TokenBucket(rate, this.#clock.elapsed())
    const units = present?.units ?? new UnitBucket(rate, this.#clock.elapsed())
    this.#members.set(record.id, { record, policy, bucket, units, deaths: present?.deaths ?? new Deaths() })
  }

  #resolveStored(record: TenantRecord): Policy | undefined {
    try {
      return this.#policies.resolve(readChoice(record.policy))
    } catch (error) {
      // One tenant whose policy is gone must not keep the host from starting; its runs are refused until it is changed.
      if (error instanceof CloisterError && error.code === 'INVALID_POLICY') return undefined
      throw error
    }
  }
}

/** The policy that a record keeps: names never begin as JSON objects do. */
export function readChoice(text: string): PolicyChoice {
  return text.startsWith('{') ? (JSON.parse(text) as PolicyChoice) : text
}

export function noSuchTenant(id: TenantId): CloisterError {
  return new CloisterError('NOT_FOUND', `there is no tenant "${id}"`)
}
