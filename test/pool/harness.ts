import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBroker } from '../../src/broker/broker.ts'
import type { Capability } from '../../src/broker/capability.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Exchange } from '../../src/core/exchange.ts'
import { type RunId, artifactId, createRunIds, parseTenantId } from '../../src/core/ids.ts'
import type { Policy, Reuse } from '../../src/core/policy.ts'
import { bytes, millis } from '../../src/core/quantity.ts'
import type { Outcome, Report, RunRequest, Session, Ticket, Trigger, Usage, WallLevel } from '../../src/core/run.ts'
import { measure } from '../../src/billing/meter.ts'
import { createExecute } from '../../src/execute.ts'
import { findBubblewrap } from '../../src/pool/bubblewrap.ts'
import type { CellGroups } from '../../src/pool/cgroups.ts'
import { openProcessMeter } from '../../src/pool/meter.ts'
import { type CellPool, createPool } from '../../src/pool/pool.ts'
import { profileOf } from '../../src/pool/profile.ts'
import { type CellProgram, buildCellProgram } from '../../src/pool/program.ts'
import { buildWalls } from '../../src/pool/walls.ts'
import { startWatchdog } from '../../src/pool/watchdog.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { createHash } from 'node:crypto'

/** Levels of the system wall that can be up here. What is missing is said, with the line that would install it. */
export const LEVELS_HERE: readonly WallLevel[] = (['A', 'B', 'C'] as const).filter((level) => {
  if (process.platform !== 'linux') return level === 'C'
  if (level !== 'A' || findBubblewrap(process.env['PATH']) !== undefined) return true
  console.warn('tests of level A are skipped: bubblewrap is missing; to have it: apt-get install bubblewrap')
  return false
})

/** How a test describes a run: only what matters to it. */
export interface RunOptions {
  readonly input?: unknown
  readonly tenant?: string
  readonly trigger?: Trigger
  readonly reuse?: Reuse
  readonly wallMs?: number
  /** The shipped policy that the rest is laid over; `default` if absent. */
  readonly policy?: string
  readonly limits?: Partial<Policy['limits']>
  readonly instance?: Partial<Policy['instance']>
  readonly engine?: Partial<Policy['engine']>
  readonly grants?: Policy['capabilities']
  readonly signal?: AbortSignal
  readonly exchange?: Exchange
  /** JSON text, instead of `input`. */
  readonly inputText?: Uint8Array
  readonly modules?: Readonly<Record<string, string>>
  readonly typescript?: true
}

export interface Posted {
  readonly run: RunId
  readonly tenant: string
  readonly report: Report
  readonly usage: Usage
}

export interface PoolHarness extends AsyncDisposable {
  readonly pool: CellPool
  /** Runs code in a real cell. */
  run(code: string, options?: RunOptions): Promise<Report>
  /** The result of a run as a value. */
  value(code: string, options?: RunOptions): Promise<unknown>
  /** Takes code the whole path of a run, with nothing but the pool and the broker behind it. */
  execute(code: string, options?: RunOptions): Promise<Outcome>
  /** What {@link execute} has charged, in order. */
  readonly posted: readonly Posted[]
  /** Everything that sessions were asked for. */
  readonly sessions: readonly Session[]
}

/** A pool of real cells, without gateway, ledger and queue. */
export async function openPool(
  options: {
    blankCells?: number
    cellsMax?: number
    walls?: WallLevel
    killGraceMs?: number
    watchdogMs?: number
    capabilities?: readonly Capability[]
    groups?: CellGroups
    /** Told of each cell that a tenant's code has brought down. */
    onTenantDeath?: (tenant: string, reason: string) => void
    /** Replaces the program of the cells. */
    program?: (built: CellProgram, directory: string) => CellProgram
  } = {},
): Promise<PoolHarness> {
  await using taken = new AsyncDisposableStack()
  const directory = taken.adopt(mkdtempSync(join(tmpdir(), 'cloister-pool-')), (path) =>
    rmSync(path, { recursive: true, force: true }),
  )
  const built = await buildCellProgram(directory)
  const program = options.program?.(built, directory) ?? built
  const failures: unknown[] = []
  const watchdog = taken.use(
    startWatchdog({ rows: 64, intervalMs: options.watchdogMs ?? 5, onFailure: (error) => failures.push(error) }),
  )
  const walls = taken.use(
    await buildWalls(options.walls ?? (process.platform === 'linux' ? 'B' : 'C'), {
      program,
      onFailure: (error) => failures.push(error),
    }),
  )
  const pool = taken.use(
    createPool({
      clock: systemClock,
      program,
      meter: openProcessMeter(),
      watchdog,
      walls,
      groups: options.groups,
      blankCells: options.blankCells ?? 1,
      isolatesPerBlankCell: 1,
      blankProfile: profileOf(loadPolicies([]).resolve('default')),
      cellsMax: options.cellsMax ?? 16,
      memoryMax: bytes(8 * 2 ** 30),
      killGraceMs: options.killGraceMs ?? 50,
      startTimeoutMs: 30_000,
      onTenantDeath: options.onTenantDeath ?? (() => {}),
    }),
  )
  await pool.ready()
  const broker = createBroker({
    capabilities: options.capabilities ?? [],
    clock: systemClock,
    onFault: (_, error) => failures.push(error),
  })
  const policies = new Map<string, Policy>()
  const newRunId = createRunIds(() => Date.now())
  const sessions: Session[] = []
  const resources = taken.move()

  const run = async (code: string, given: RunOptions = {}): Promise<Report> => {
    const ticket = ticketOf(code, given, newRunId(), policyOf(policies, given))
    using lease = await pool.lease(ticket)
    using session = broker.open(ticket)
    sessions.push(session)
    return await lease.run(session)
  }
  const tickets = new Map<RunRequest, Ticket>()
  const posted: Posted[] = []
  const path = createExecute({
    clock: systemClock,
    pool,
    broker,
    admission: { admit: (request) => tickets.get(request) ?? raise('the test made no ticket') },
    scheduler: { acquire: (ticket) => ({ ticket, [Symbol.dispose]() {} }) },
    billing: {
      reserve: (ticket) => ({ ticket, allow: () => true, [Symbol.dispose]() {} }),
      async post({ ticket }, report, operations) {
        const usage = measure(report, ticket, operations)
        posted.push({ run: ticket.run, tenant: ticket.request.tenant, report, usage })
        return usage
      },
    },
  })
  return {
    pool,
    run,
    sessions,
    posted,
    async execute(code, given = {}) {
      const ticket = ticketOf(code, given, newRunId(), policyOf(policies, given))
      tickets.set(ticket.request, ticket)
      return await path(ticket.request)
    },
    async value(code, given) {
      const report = await run(code, given)
      if (report.result === undefined) throw new Error(`${report.status}: ${report.error?.message}`)
      return JSON.parse(Buffer.from(report.result).toString())
    },
    async [Symbol.asyncDispose]() {
      await resources.disposeAsync()
      if (failures.length > 0) throw new AggregateError(failures)
    },
  }
}

function raise(message: string): never {
  throw new Error(message)
}

/** Equal options give the same policy object, as a catalog does. */
function policyOf(
  known: Map<string, Policy>,
  { policy = 'default', limits, instance, engine, grants = {} }: RunOptions,
): Policy {
  return known.getOrInsertComputed(JSON.stringify([policy, limits, instance, engine, grants]), () => {
    const base = loadPolicies([]).resolve(policy)
    // Wide enough that a slow machine does not end a run that should go on.
    const wide = { wall: millis(60_000), cpu: millis(60_000), queueWait: millis(60_000) }
    return {
      ...base,
      limits: { ...base.limits, ...wide, ...limits },
      instance: { ...base.instance, ...instance },
      engine: { ...base.engine, ...engine },
      capabilities: grants,
    }
  })
}

function ticketOf(code: string, given: RunOptions, run: RunId, policy: Policy): Ticket {
  const main = given.typescript === true ? 'main.ts' : 'main.js'
  const modules = new Map(Object.entries({ [main]: code, ...given.modules }))
  const tenant = parseTenantId(given.tenant ?? 'ann')
  if (tenant === undefined) throw new Error('the test names no tenant')
  return {
    run,
    request: {
      tenant,
      trigger: given.trigger ?? 'execute',
      artifact: {
        id: artifactId(
          createHash('sha256')
            .update(JSON.stringify([...modules]))
            .digest('hex'),
        ),
        language: given.typescript === true ? 'typescript' : 'javascript',
        main,
        modules,
        size: bytes(code.length),
      },
      input: given.inputText ?? Buffer.from(JSON.stringify(given.input ?? null)),
      ...(given.signal && { signal: given.signal }),
      ...(given.exchange && { exchange: given.exchange }),
    },
    policy,
    reuse: given.reuse ?? 'context',
    wall: millis(given.wallMs ?? policy.limits.wall),
    admittedAt: systemClock.now(),
    [Symbol.dispose]() {},
  }
}
