import type { Clock } from '../core/clock.ts'
import { CloisterError } from '../core/errors.ts'
import { type KeyId, type RunId, type TenantId, createKeyId } from '../core/ids.ts'
import type { Grants, Policy } from '../core/policy.ts'
import type { Millis } from '../core/quantity.ts'
import type { Admission, RunRequest, Ticket, WallLevel } from '../core/run.ts'
import type { Budget, KeyRecord, KeyStore, TenantRecord, TenantStore } from '../core/stores.ts'
import { AdmittedRun } from './admitted-run.ts'
import { BackOff, type CellsView } from './back-off.ts'
import { type BudgetView, viewBudget } from './budget.ts'
import type { Env } from './env.ts'
import { Keyring } from './keyring.ts'
import { createKeyText, hashKey } from './keys.ts'
import { type Principal, authorize, authorizeAdmin } from './principal.ts'
import { checkRates } from './rates.ts'
import { RunsInProgress } from './runs-in-progress.ts'
import { Serial } from './serial.ts'
import { checkSizes } from './sizes.ts'
import {
  type Member,
  type PolicyCatalog,
  type TenantChange,
  TenantDirectory,
  noSuchTenant,
} from './tenant-directory.ts'

export interface AdmissionParts {
  readonly clock: Clock
  readonly tenants: TenantStore
  readonly keys: KeyStore
  readonly policies: PolicyCatalog
  readonly adminKey: string
  /** How strong the operating-system wall is, as found by trying. */
  readonly walls: () => WallLevel
  /** The operator runs policies that need the operating-system wall without one. */
  readonly allowWeakWalls: boolean
  readonly newRunId: () => RunId
  readonly draining: () => boolean
  /**
   * Told when a tenant is gone. Whoever is given its name next is somebody else: nothing that is kept for the name, its
   * cells above all, may be there for them.
   */
  readonly onTenantDeleted: (tenant: TenantId) => void
}

/** The stage of the path, and the directory of who there is. */
export interface AdmissionDesk extends Admission {
  /** Throws UNAUTHENTICATED. */
  authenticate(authorizationHeader: string | undefined): Principal
  /** Throws FORBIDDEN unless the principal is that tenant or the administrator. */
  authorize(principal: Principal, tenant: TenantId): void
  /** Throws FORBIDDEN unless the principal is the administrator. */
  authorizeAdmin(principal: Principal): void
  /** Creates or changes a tenant. Throws INVALID_POLICY, INVALID_REQUEST. */
  putTenant(id: TenantId, change: TenantChange): Promise<{ readonly record: TenantRecord; readonly created: boolean }>
  /** Changes a tenant's variables as a whole and gives what they are then. Throws NOT_FOUND, INVALID_REQUEST. */
  changeEnv(id: TenantId, change: (present: Env) => Env): Promise<Env>
  /** What a tenant may use now. Throws NOT_FOUND, INVALID_POLICY. */
  policyOf(tenant: TenantId): Policy
  /** Throws NOT_FOUND. */
  getTenant(id: TenantId): TenantRecord
  findTenant(id: TenantId): TenantRecord | undefined
  listTenants(): readonly TenantRecord[]
  /** Deletes a tenant and its keys; runs in progress end as they would. Throws NOT_FOUND. */
  deleteTenant(id: TenantId): Promise<void>
  /** Makes a key. Its text is in the answer and nowhere else. Throws NOT_FOUND, CONFLICT past 100 keys. */
  createKey(tenant: TenantId): Promise<{ readonly id: KeyId; readonly key: string }>
  /** Throws NOT_FOUND if there is no such tenant. */
  listKeys(tenant: TenantId): readonly KeyRecord[]
  /** Revokes a key at once. Throws NOT_FOUND. */
  deleteKey(tenant: TenantId, id: KeyId): Promise<void>
  /** What a tenant may spend; without bound if there is no such tenant, since nothing of it is admitted. */
  budgetOf(tenant: TenantId): Budget
  /** A budget as JSON, money as decimal text. */
  viewBudget(budget: Budget): BudgetView
  /** A tenant's code has brought down a cell. Returns how long its new runs are held off from now on; 0 if they are not. */
  recordDeath(tenant: TenantId, reason: string): Millis
  /** What a tenant's code has done to its cells. Throws NOT_FOUND. */
  cellsOf(tenant: TenantId): CellsView
  /** Throws FORBIDDEN unless the tenant's policy grants the capability, NOT_FOUND without the tenant. */
  requireGrant<Name extends keyof Grants>(tenant: TenantId, capability: Name): NonNullable<Grants[Name]>
  /** Tenants whose new runs are held off, because their code keeps bringing down cells. */
  readonly backedOff: number
  /** Admitted runs that have not ended. */
  readonly running: number
  /** Resolves when no admitted run is left: the moment at which a draining host may stop. */
  whenIdle(): Promise<void>
}

/** Keys of one tenant. More than rotation could ever need, and a bound on what one tenant adds to memory. */
const KEYS_MAX = 100
const NO_BUDGET: Budget = Object.freeze({})

/** Loads every tenant and key, and decides from memory from then on. Rejects with INTERNAL when storage fails. */
export async function createAdmission(parts: AdmissionParts): Promise<AdmissionDesk> {
  const directory = new TenantDirectory({ clock: parts.clock, store: parts.tenants, policies: parts.policies })
  await directory.load()
  return new Desk(parts, directory, new Keyring(parts.adminKey, await parts.keys.list()))
}

class Desk implements AdmissionDesk {
  readonly authorize = authorize
  readonly authorizeAdmin = authorizeAdmin
  readonly viewBudget = viewBudget
  readonly #parts: AdmissionParts
  readonly #directory: TenantDirectory
  readonly #keyring: Keyring
  readonly #backOff: BackOff
  readonly #runs = new RunsInProgress()
  readonly #changes = new Serial()

  constructor(parts: AdmissionParts, directory: TenantDirectory, keyring: Keyring) {
    this.#parts = parts
    this.#directory = directory
    this.#keyring = keyring
    this.#backOff = new BackOff({ clock: parts.clock, find: (tenant) => directory.find(tenant) })
  }

  admit(request: RunRequest): Ticket {
    const member = this.#memberOf(request.tenant)
    if (this.#parts.draining()) throw new CloisterError('DRAINING', 'the host is shutting down; nothing was started')
    const policy = policyOf(member)
    this.#checkWalls(policy)
    checkSizes(request, policy)
    this.#backOff.check(member)
    // Last, so that only a run that could start costs a token.
    const { newRunId, clock } = this.#parts
    checkRates(member, policy.rate, clock.elapsed())
    return new AdmittedRun(request, {
      member,
      policy,
      run: request.run ?? newRunId(),
      clock,
      runs: this.#runs,
    })
  }

  authenticate(authorizationHeader: string | undefined): Principal {
    return this.#keyring.authenticate(authorizationHeader)
  }

  putTenant(id: TenantId, change: TenantChange): Promise<{ record: TenantRecord; created: boolean }> {
    return this.#changes.run(() => this.#directory.put(id, change))
  }

  changeEnv(id: TenantId, change: (present: Env) => Env): Promise<Env> {
    return this.#changes.run(() => this.#directory.changeEnv(id, change))
  }

  policyOf(tenant: TenantId): Policy {
    return policyOf(this.#memberOf(tenant))
  }

  getTenant(id: TenantId): TenantRecord {
    return this.#directory.get(id)
  }

  findTenant(id: TenantId): TenantRecord | undefined {
    return this.#directory.find(id)?.record
  }

  listTenants(): readonly TenantRecord[] {
    return this.#directory.list()
  }

  deleteTenant(id: TenantId): Promise<void> {
    return this.#changes.run(async () => {
      await this.#directory.delete(id)
      for (const key of this.#keyring.list(id)) this.#keyring.remove(key.id)
      this.#parts.onTenantDeleted(id)
    })
  }

  createKey(tenant: TenantId): Promise<{ id: KeyId; key: string }> {
    return this.#changes.run(async () => {
      this.#checkKeyCount(tenant)
      const id = createKeyId()
      const key = createKeyText(id)
      const hash = hashKey(key).toString('hex')
      const record: KeyRecord = Object.freeze({ id, tenant, hash, createdAt: this.#parts.clock.now() })
      await this.#parts.keys.put(record)
      this.#keyring.add(record)
      return { id, key }
    })
  }

  listKeys(tenant: TenantId): readonly KeyRecord[] {
    this.#directory.get(tenant)
    return this.#keyring.list(tenant)
  }

  deleteKey(tenant: TenantId, id: KeyId): Promise<void> {
    return this.#changes.run(async () => {
      if (!(await this.#parts.keys.delete(tenant, id))) {
        throw new CloisterError('NOT_FOUND', `tenant "${tenant}" has no key "${id}"`)
      }
      this.#keyring.remove(id)
    })
  }

  budgetOf(tenant: TenantId): Budget {
    return this.#directory.find(tenant)?.record.budget ?? NO_BUDGET
  }

  recordDeath(tenant: TenantId, reason: string): Millis {
    return this.#backOff.record(tenant, reason)
  }

  cellsOf(tenant: TenantId): CellsView {
    return this.#backOff.view(this.#memberOf(tenant))
  }

  requireGrant<Name extends keyof Grants>(tenant: TenantId, capability: Name): NonNullable<Grants[Name]> {
    const member = this.#directory.find(tenant)
    if (member === undefined) throw noSuchTenant(tenant)
    const grant = policyOf(member).capabilities[capability]
    if (grant !== undefined) return grant
    throw new CloisterError('FORBIDDEN', `the policy of tenant "${tenant}" does not grant ${capability}`)
  }

  get backedOff(): number {
    return this.#backOff.count
  }

  get running(): number {
    return this.#runs.count
  }

  whenIdle(): Promise<void> {
    return this.#runs.whenNone()
  }

  #memberOf(tenant: TenantId): Member {
    const member = this.#directory.find(tenant)
    if (member === undefined) throw noSuchTenant(tenant)
    return member
  }

  #checkKeyCount(tenant: TenantId): void {
    this.#directory.get(tenant)
    if (this.#keyring.list(tenant).length < KEYS_MAX) return
    throw new CloisterError('CONFLICT', `tenant "${tenant}" has ${KEYS_MAX} keys, the most it may have; delete one`)
  }

  #checkWalls({ name, walls }: Policy): void {
    if (walls !== 'os' || this.#parts.allowWeakWalls || this.#parts.walls() !== 'C') return
    const advice = 'run "cloister doctor" to see what is missing, or start the host with --allow-weak-walls'
    throw new CloisterError(
      'WALLS_TOO_WEAK',
      `policy "${name}" needs the operating-system wall (level A or B) and this machine has level C; ${advice}`,
    )
  }
}

function policyOf({ record, policy }: Member): Policy {
  if (policy !== undefined) return policy
  const fault = `the policy of tenant "${record.id}" is not valid on this host`
  throw new CloisterError('INVALID_POLICY', `${fault}; the administrator can give it another one`)
}
