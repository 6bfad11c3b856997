import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bill } from './billing/bill.ts'
import type { UsageReport } from './billing/usage.ts'
import { type Config, type ConfigOverrides, loadConfig } from './config.ts'
import { CloisterError } from './core/errors.ts'
import { type TenantId, parseTenantId } from './core/ids.ts'
import type { RunStatus } from './core/outcome.ts'
import { bytes, millis } from './core/quantity.ts'
import type { GuestError, LogLine } from './core/run.ts'
import { formatNanoUsd } from './billing/decimal.ts'
import { runAnswer } from './gateway/run-view.ts'
import { type Platform, openHost } from './main.ts'
import { machineMemory } from './machine.ts'

export type { Bill, ConfigOverrides, GuestError, LogLine, RunStatus, UsageReport }
export { CloisterError, type ErrorCode } from './core/errors.ts'

/** How a Cloister inside your own process is set up. Everything has a default. */
export interface CloisterOptions {
  /** Where tenants, ledger and key-value data are kept. Absent: a temporary folder that `close` removes. */
  readonly dataDirectory?: string
  /** Any other knob of the host; see `cloister serve --help` and ARCHITECTURE.md. The environment is not read. */
  readonly config?: Omit<ConfigOverrides, 'dataDirectory'>
}

/** Code to run once: `code`, or `modules` and which of them is `main`. */
export interface Submission {
  readonly code?: string
  readonly modules?: Readonly<Record<string, string>>
  readonly main?: string
  readonly language?: 'javascript' | 'typescript'
  /** Anything that JSON can hold; null if absent. */
  readonly input?: unknown
  /** Who pays; made with the policy `default` if there is none of the name. Default `local`. */
  readonly tenant?: string
  /** Shortens the policy's wall time limit. */
  readonly timeoutMs?: number
  /** Aborting it ends the run as `cancelled`. */
  readonly signal?: AbortSignal
}

/** What became of a run: the same fields as the HTTP API answers. */
export interface RunResult {
  readonly runId: string
  readonly status: RunStatus
  readonly result?: unknown
  readonly error?: GuestError
  readonly logs: readonly LogLine[]
  readonly usage: {
    readonly wallMs: number
    readonly cpuMs: number
    readonly units: number
    readonly billedMs: number
    readonly memoryMb: number
    readonly peakMemoryMb?: number
    readonly coldStart: boolean
    readonly billed: boolean
    readonly operations?: Readonly<Record<string, number>>
    readonly costUsd: string
  }
}

/** A tenant's plan: a policy by name or as an overlay object, and a budget. */
export interface TenantPlan {
  readonly policy?: string | Readonly<Record<string, unknown>>
  readonly budget?: {
    readonly day?: { readonly units?: number; readonly usd?: string | number }
    readonly month?: { readonly units?: number; readonly usd?: string | number }
  }
}

/** A Cloister in this process. Every method rejects with a CloisterError, whose `code` says why. */
export interface Cloister extends AsyncDisposable {
  /** Runs code in a cell of the tenant's own. Resolves however the code ends; rejects only for refusals and host faults. */
  execute(submission: Submission): Promise<RunResult>
  /** Creates a tenant, or changes its plan. */
  putTenant(tenant: string, plan?: TenantPlan): Promise<void>
  /** A month's bill, `YYYY-MM`; the current month's if none is named. */
  bill(tenant?: string, period?: string): Promise<Bill>
  /** Quantities and cost, grouped by `day`, `hour`, `outcome`, `trigger`, `policy`, `function` or `version`. */
  usage(tenant?: string, query?: { from?: string; to?: string; groupBy?: string }): Promise<UsageReport>
  /** Finishes what runs, commits and ends every cell. */
  close(): Promise<void>
}

const LOCAL = 'local'

/**
 * Opens a Cloister in this process, without a port. Resolves once a blank cell is ready. Rejects with CONFLICT when another
 * process has the data directory open.
 */
export async function createCloister(options: CloisterOptions = {}): Promise<Cloister> {
  await using taken = new AsyncDisposableStack()
  const dataDirectory = options.dataDirectory ?? taken.adopt(await mkdtemp(join(tmpdir(), 'cloister-')), removeFolder)
  const config = configure({ logLevel: 'warn', blankCells: 1, ...options.config, dataDirectory })
  const platform = taken.use(await openHost(config))
  await platform.ready()
  const resources = taken.move()
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= platform.drain().then(() => resources.disposeAsync()))
  return { ...doors(platform), close, [Symbol.asyncDispose]: close }
}

function doors(platform: Platform): Omit<Cloister, 'close' | typeof Symbol.asyncDispose> {
  const { admission, artifacts, billing, execute } = platform
  return {
    async execute({ tenant = LOCAL, input = null, timeoutMs, signal, ...submission }) {
      const id = tenantId(tenant)
      if (admission.findTenant(id) === undefined) await admission.putTenant(id, {})
      const outcome = await execute({
        tenant: id,
        trigger: 'execute',
        artifact: artifacts.build(submission),
        input: encodeInput(input),
        ...(timeoutMs !== undefined && { timeout: checkTimeout(timeoutMs) }),
        ...(signal && { signal }),
      })
      const { body, encoding } = runAnswer(outcome, (usage) => formatNanoUsd(billing.cost(usage)))
      return JSON.parse(typeof body === 'string' ? Buffer.from(body, encoding).toString() : String(body)) as RunResult
    },
    async putTenant(tenant, plan = {}) {
      await admission.putTenant(tenantId(tenant), plan)
    },
    bill: (tenant = LOCAL, period) => billing.bill(tenantId(tenant), period),
    usage: (tenant = LOCAL, { from, to, groupBy } = {}) =>
      billing.usage(
        tenantId(tenant),
        billing.parseRange({ ...(from !== undefined && { from }), ...(to !== undefined && { to }) }),
        billing.parseGroups(groupBy),
      ),
  }
}

function configure(overrides: ConfigOverrides): Config {
  return loadConfig({}, overrides, { totalMemory: bytes(machineMemory()) })
}

function tenantId(text: string): TenantId {
  const id = parseTenantId(text)
  if (id !== undefined) return id
  throw new CloisterError(
    'INVALID_TENANT',
    `tenant ${JSON.stringify(text.slice(0, 80))} is not 1 to 63 of a-z, 0-9 and -, a letter first`,
  )
}

function encodeInput(input: unknown): Uint8Array {
  const text = JSON.stringify(input)
  if (text === undefined) throw new CloisterError('INVALID_INPUT', 'input cannot be turned into JSON')
  return Buffer.from(text)
}

function checkTimeout(timeoutMs: number) {
  if (timeoutMs > 0 && timeoutMs <= 86_400_000) return millis(timeoutMs)
  throw new CloisterError('INVALID_REQUEST', 'timeoutMs must be more than 0 and at most 86400000')
}

async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
}
