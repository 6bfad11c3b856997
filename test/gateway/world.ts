import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { onTestFinished } from 'vitest'
import {
  createWorld as createAdmissionWorld,
  ADMIN_KEY,
  makePolicy,
  type World as AdmissionWorld,
} from '../admission/world.ts'
import type { AdmissionDesk } from '../../src/admission/admission.ts'
import { CloisterError } from '../../src/core/errors.ts'
import { type RunId, type TenantId, createRunIds, parseTenantId } from '../../src/core/ids.ts'
import { bytes, epochMillis, mebibytes, micros, units } from '../../src/core/quantity.ts'
import type { Outcome, RunRequest, Usage } from '../../src/core/run.ts'
import type { LedgerRecord, PostedRun } from '../../src/core/stores.ts'
import { createArtifacts } from '../../src/functions/artifacts.ts'
import { systemClock } from '../../src/core/clock.ts'
import { configSchema } from '../../src/functions/config.ts'
import { type Gateway, createGateway } from '../../src/gateway/gateway.ts'
import type { HttpLimits } from '../../src/gateway/http-limits.ts'
import { LogTail } from '../../src/telemetry/log-tail.ts'
import type { Accounts, Data, Databases, Execute, Functions, Health, Runs, Secrets } from '../../src/gateway/ports.ts'

export { ADMIN_KEY }

export const tenant = (text: string): TenantId => parseTenantId(text)!
export const newRunId = createRunIds(() => 1_767_225_600_000)

/** Nobody keeps anything here: what is kept is tried against a real store. */
const none = () => Promise.reject(new CloisterError('FORBIDDEN', 'nothing is kept'))
const noData: Data = { perform: none, findKv: none, collections: none, declare: none, drop: none }

export const USAGE: Usage = {
  wall: micros(12_400),
  cpu: micros(3_100),
  units: units(1),
  memory: mebibytes(128),
  peakMemory: bytes(0),
  operations: {},
  inputSize: bytes(4),
  outputSize: bytes(15),
  logSize: bytes(0),
  egress: bytes(0),
  ingress: bytes(0),
  coldStart: true,
}

export function makeOutcome(change: Partial<Outcome> = {}): Outcome {
  return {
    run: newRunId(),
    status: 'ok',
    result: Buffer.from('{"hello":"ann"}'),
    logs: [],
    usage: USAGE,
    billed: true,
    ...change,
  }
}

/** Runs of tenants, newest first, as a ledger would page them. */
export class MemoryRuns implements Runs {
  readonly posted: PostedRun[] = []

  add(change: Partial<PostedRun> & { tenant: TenantId }): PostedRun {
    const run: PostedRun = {
      run: newRunId(),
      trigger: 'execute',
      status: 'ok',
      startedAt: epochMillis(1_767_225_600_000),
      usage: USAGE,
      policy: 'default',
      walls: 'B',
      details: { logs: [] },
      ...change,
    }
    this.posted.unshift(run)
    return run
  }

  async find(owner: TenantId, run: RunId): Promise<PostedRun | undefined> {
    return this.posted.find((each) => each.tenant === owner && each.run === run)
  }

  async page(owner: TenantId, filter: Parameters<Runs['page']>[1]): Promise<readonly LedgerRecord[]> {
    const { status, range, before, limit } = filter
    return this.posted
      .filter((run) => run.tenant === owner)
      .filter((run) => status === undefined || run.status === status)
      .filter((run) => range === undefined || (run.startedAt >= range.from && run.startedAt < range.to))
      .filter((run) => before === undefined || run.run < before)
      .slice(0, limit)
  }
}

const accounts: Accounts = {
  costUsd: () => '0.000000408',
  bill: async (owner, period = '2026-01') => {
    if (!/^\d{4}-\d\d$/.test(period)) throw new CloisterError('INVALID_PERIOD', `\`period\` is ${period}`)
    return { tenant: owner, period, total: '1.50' }
  },
  explain: async (owner, question) => ({ tenant: owner, ...question }),
  simulate: async (owner, book, period) => ({ tenant: owner, book, period }),
  billFocus: (bill) => `BillingAccountId\r\n${String((bill as { tenant: string }).tenant)}\r\n`,
  billPage: (tenant) => Promise.resolve(`<!doctype html><title>${tenant}</title>`),
  billCsv: (bill) => `${Object.keys(bill).join(',')}\r\n${Object.values(bill).join(',')}\r\n`,
  usage: async (owner, range, groupBy) => ({ tenant: owner, ...range, groupBy, rows: [] }),
  usageCsv: (report) => `${Object.keys(report).join(',')}\r\n`,
  budget: async () => ({ month: { period: '2026-01' } }),
  async *records(owner, period) {
    for (let sequence = 0; sequence < 3_000; sequence += 1) yield `${JSON.stringify({ owner, period, sequence })}\n`
  },
  verify: async () => ({ ok: true, records: 3, head: 'ab' }),
  parseRange: ({ from, to }) => ({
    from: epochMillis(Date.parse(from ?? '2026-01-01')),
    to: epochMillis(Date.parse(to ?? '2026-02-01')),
  }),
  parseGroups: (text) => (text === undefined ? [] : (text.split(',') as ('day' | 'outcome')[])),
}

export interface World {
  readonly url: string
  readonly gateway: Gateway
  readonly admission: AdmissionDesk
  readonly who: AdmissionWorld
  readonly runs: MemoryRuns
  /** A key of the tenant `acme`. */
  readonly key: string
  readonly log: { fields: object; event: string }[]
  health: Health
  draining: boolean
  /** What a run does; answers at once unless a test says otherwise. */
  execute: Execute
  /** What was asked of `execute`, in order. */
  readonly requests: RunRequest[]
  /** Calls the API over its socket. */
  call(method: string, path: string, options?: CallOptions): Promise<Response>
  inject(request: InjectOptions): Promise<LightMyRequestResponse>
}

export interface CallOptions {
  /** The admin key if absent; null sends none. */
  readonly key?: string | null
  /** Sent as JSON, unless it is text already. */
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

interface Options {
  readonly limits?: Partial<HttpLimits>
  readonly bodySizeMax?: number
  readonly accounts?: Partial<Accounts>
  readonly functions?: Partial<Functions>
  readonly forwarded?: 'none' | 'proxy'
  readonly functionOrigin?: 'shared' | 'own'
  readonly databases?: Databases
  readonly secrets?: Secrets
}

/** Nothing is bound, and nothing can be. */
const noDatabases: Databases = {
  put: () => Promise.reject(new CloisterError('CONFLICT', 'a tenant may bind 0 databases')),
  get: () => Promise.reject(new CloisterError('NOT_FOUND', 'no database is bound')),
  list: async () => [],
  delete: () => Promise.reject(new CloisterError('NOT_FOUND', 'no database is bound')),
  test: () => Promise.reject(new CloisterError('NOT_FOUND', 'no database is bound')),
}

/** There are none. */
const noSecrets: Secrets = {
  put: () => Promise.reject(new CloisterError('QUOTA_EXCEEDED', 'a tenant may keep 0 secrets')),
  get: () => Promise.reject(new CloisterError('NOT_FOUND', 'there is no such secret')),
  list: async () => [],
  delete: () => Promise.reject(new CloisterError('NOT_FOUND', 'there is no such secret')),
}

/** Opens the doors on a free port of this machine, with the tenants `acme` and `other`. They close with the test. */
export async function openGateway(options: Options = {}): Promise<World> {
  const { limits, bodySizeMax = 1 << 20, accounts: change } = options
  const functions = { ...noFunctions, ...options.functions }
  const who = createAdmissionWorld()
  const policies = { resolve: () => makePolicy() }
  const admission = await who.open({ policies })
  await admission.putTenant(tenant('acme'), {})
  await admission.putTenant(tenant('other'), {})
  const { key } = await admission.createKey(tenant('acme'))
  const world = { who, admission, key, runs: new MemoryRuns(), log: [], requests: [] } as unknown as Writable<World>
  world.health = { ready: true, walls: 'B', blankCells: 4 }
  world.draining = false
  world.execute = async () => makeOutcome()
  world.gateway = createGateway({
    gatekeeper: admission,
    directory: admission,
    artifacts: createArtifacts({ cacheSize: bytes(1 << 20) }),
    execute: (request) => {
      world.requests.push(request)
      return world.execute(request)
    },
    functions,
    calls: { queue: notFound, once: notFound, find: async () => undefined },
    schedules: {} as never,
    deadLetters: {} as never,
    functionConfig: configSchema,
    forwarded: options.forwarded ?? 'none',
    functionOrigin: options.functionOrigin ?? 'own',
    accounts: { ...accounts, ...change },
    runs: world.runs,
    tail: new LogTail({ find: (owner, run) => world.runs.find(owner, run), quietMs: 20 }),
    // What these routes do is tested over real stores.
    blobs: {} as never,
    blobUrls: {} as never,
    queues: {} as never,
    executions: {} as never,
    tokens: { user: async () => undefined, jwt: async () => undefined },
    clock: systemClock,
    users: { findSigningKey: async () => undefined } as never,
    databases: options.databases ?? noDatabases,
    secrets: options.secrets ?? noSecrets,
    webhooks: {} as never,
    data: noData,
    health: () => world.health,
    draining: () => world.draining,
    metrics: { contentType: 'text/plain; version=0.0.4', expose: async () => 'cloister_runs_total 1\n' },
    log: { info: () => undefined, error: (fields, event) => world.log.push({ fields, event }) },
    version: '1.2.3',
    bodySizeMax: bytes(bodySizeMax),
    ...(limits && { limits }),
  })
  world.url = (await world.gateway.listen({ host: '127.0.0.1', port: 0 })).url
  onTestFinished(() => world.gateway.close())
  world.call = (method, path, options = {}) => fetch(`${world.url}${path}`, { method, ...requestOf(options) })
  world.inject = (request) => world.gateway.inject(request)
  return world
}

const notFound = async (): Promise<never> => {
  throw new CloisterError('NOT_FOUND', 'there is no such function')
}
const noFunctions: Functions = {
  deploy: notFound,
  resolve: notFound,
  list: async () => [],
  get: notFound,
  versions: notFound,
  delete: notFound,
  alias: notFound,
  setAlias: notFound,
  deleteAlias: notFound,
  rollbacks: async () => [],
  rollBack: notFound,
}

type Writable<Type> = { -readonly [Name in keyof Type]: Type[Name] }

function requestOf({ key = ADMIN_KEY, body, headers }: CallOptions): RequestInit {
  return {
    headers: {
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  }
}

/** Status and error of an answer that should be a refusal. */
export async function refusalOf(answer: Promise<Response>): Promise<{ status: number; code: string; message: string }> {
  const response = await answer
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { status: response.status, ...error }
}
