import { createAdmission, type AdmissionDesk } from '../../src/admission/admission.ts'
import type { PolicyCatalog } from '../../src/admission/tenant-directory.ts'
import type { Clock } from '../../src/core/clock.ts'
import { CloisterError } from '../../src/core/errors.ts'
import { type TenantId, artifactId, createRunIds, parseTenantId } from '../../src/core/ids.ts'
import type { Policy } from '../../src/core/policy.ts'
import { bytes, epochMillis, mebibytes, millis } from '../../src/core/quantity.ts'
import type { RunRequest, WallLevel } from '../../src/core/run.ts'
import type { KeyRecord, KeyStore, TenantRecord, TenantStore } from '../../src/core/stores.ts'

export const ADMIN_KEY = 'correct horse battery staple'.replaceAll(' ', '-')

export const tenant = (text: string): TenantId => parseTenantId(text)!

/** Time that moves only when a test says so. */
export class ManualClock implements Clock {
  #atMs = 1_767_225_600_000

  now() {
    return epochMillis(this.#atMs)
  }

  elapsed() {
    return millis(this.#atMs)
  }

  advance(ms: number): void {
    this.#atMs += ms
  }
}

export class MemoryTenants implements TenantStore {
  readonly records = new Map<string, TenantRecord>()
  readonly keys: MemoryKeys

  constructor(keys: MemoryKeys) {
    this.keys = keys
  }

  async put(record: TenantRecord): Promise<void> {
    this.records.set(record.id, record)
  }

  async delete(id: TenantId): Promise<boolean> {
    for (const key of this.keys.records.values()) if (key.tenant === id) this.keys.records.delete(key.id)
    return this.records.delete(id)
  }

  async list(): Promise<readonly TenantRecord[]> {
    return [...this.records.values()]
  }
}

export class MemoryKeys implements KeyStore {
  readonly records = new Map<string, KeyRecord>()

  async put(key: KeyRecord): Promise<void> {
    this.records.set(key.id, key)
  }

  async delete(owner: TenantId, id: string): Promise<boolean> {
    return this.records.get(id)?.tenant === owner && this.records.delete(id)
  }

  async list(): Promise<readonly KeyRecord[]> {
    return [...this.records.values()]
  }
}

export function makePolicy(change: Partial<Policy> = {}): Policy {
  return {
    name: 'default',
    walls: 'os',
    limits: {
      wall: millis(5_000),
      cpu: millis(1_000),
      memory: mebibytes(128),
      input: bytes(1_000),
      output: bytes(1_000),
      streamIn: bytes(1_000),
      streamOut: bytes(1_000),
      code: bytes(100),
      logs: bytes(1_000),
      logLines: 10,
      concurrency: 4,
      queue: 8,
      queueWait: millis(1_000),
      pendingCalls: 4,
      timers: 4,
    },
    rate: { perSecond: 10, burst: 2, unitsPerSecond: 1_000, unitsBurst: 1_000, deathsPerSecond: 1, deathsBurst: 3 },
    instance: { reuse: undefined, maxCells: 1, runsPerCell: 1, idle: millis(1_000), runsMax: 100 },
    engine: { jit: true, wasm: true, eval: true, temporal: true, clock: 'frozen', sharedMemory: false },
    functions: { count: 10, versions: 5, storedBytes: bytes(1 << 20) },
    events: { queued: 10, deadLetters: 10, deadLetterDays: 1, idempotencyKeys: 10, storedBytes: bytes(1 << 20) },
    capabilities: {},
    ...change,
  }
}

/** A catalog with the policies `default` and `weak`; an object is laid over `default`. */
export const catalog: PolicyCatalog = {
  resolve(choice) {
    if (typeof choice === 'object') return makePolicy(choice)
    if (choice === 'default') return makePolicy()
    if (choice === 'weak') return makePolicy({ name: 'weak', walls: 'process' })
    throw new CloisterError('INVALID_POLICY', `there is no policy "${choice}"`)
  },
}

export interface World {
  readonly clock: ManualClock
  readonly keys: MemoryKeys
  readonly tenants: MemoryTenants
  draining: boolean
  /** Tenants whose deletion was told. */
  readonly deleted: TenantId[]
  walls: WallLevel
  /** Opens admission over the same storage, as a host that starts again does. */
  open(change?: { allowWeakWalls?: boolean; policies?: PolicyCatalog }): Promise<AdmissionDesk>
}

export function createWorld(): World {
  const clock = new ManualClock()
  const keys = new MemoryKeys()
  const world: World = {
    clock,
    keys,
    tenants: new MemoryTenants(keys),
    draining: false,
    deleted: [],
    walls: 'A',
    open: ({ allowWeakWalls = false, policies = catalog } = {}) =>
      createAdmission({
        clock,
        tenants: world.tenants,
        keys,
        policies,
        adminKey: ADMIN_KEY,
        walls: () => world.walls,
        allowWeakWalls,
        newRunId: createRunIds(() => clock.now()),
        draining: () => world.draining,
        onTenantDeleted: (id) => world.deleted.push(id),
      }),
  }
  return world
}

export function makeRequest(change: Partial<RunRequest> & { codeSize?: number } = {}): RunRequest {
  const { codeSize = 10, ...rest } = change
  const artifact = {
    id: artifactId('0'.repeat(64)),
    language: 'javascript',
    main: 'main.js',
    modules: new Map([['main.js', 'return 1']]),
    size: bytes(codeSize),
  } as const
  return { tenant: tenant('acme'), trigger: 'execute', artifact, input: Buffer.from('null'), ...rest }
}

/** The code of the refusal that a call ends in. */
export function refusalOf(call: () => unknown): CloisterError {
  try {
    call()
  } catch (error) {
    if (error instanceof CloisterError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
