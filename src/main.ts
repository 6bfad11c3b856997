import { dirname, join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type AdmissionDesk, createAdmission } from './admission/admission.ts'
import { loadAdminKey } from './admission/admin-key.ts'
import { type BillingDesk, createBilling } from './billing/billing.ts'
import { accountsOf } from './billing/accounts.ts'
import { openBlobService } from './blob-service.ts'
import { keepAccountsHourly } from './billing/keep-accounts.ts'
import { loadPriceBooks } from './billing/price-book.ts'
import { PriceBooks } from './billing/price-books.ts'
import { createBroker } from './broker/broker.ts'
import { createInvokeCapability } from './broker/invoke.ts'
import { watchCanaries } from './canaries.ts'
import { openCapabilities } from './capabilities.ts'
import type { Host, HostAnswer, HostRequest } from './cli/host.ts'
import type { Config } from './config.ts'
import { systemClock } from './core/clock.ts'
import { type TenantId, createRunIds } from './core/ids.ts'
import type { Inspection } from './core/inspection.ts'
import { bytes, millis } from './core/quantity.ts'
import { examine, examineWeb } from './doctor.ts'
import { openEventService } from './event-service.ts'
import { type Execute, createExecute } from './execute.ts'
import { type Artifacts, createArtifacts } from './functions/artifacts.ts'
import { configSchema } from './functions/config.ts'
import { type FunctionDirectory, createFunctionDirectory } from './functions/directory.ts'
import { createLoadCode } from './functions/load-code.ts'
import { type Gateway, createGateway } from './gateway/gateway.ts'
import { HTTP_LIMITS } from './gateway/http-limits.ts'
import type { Health } from './gateway/ports.ts'
import { connectionsWithin, descriptorsMax } from './machine.ts'
import { loadPolicies } from './policy/load.ts'
import { openCgroups } from './pool/cgroups.ts'
import { openProcessMeter } from './pool/meter.ts'
import { type CellPool, createPool } from './pool/pool.ts'
import { profileOf } from './pool/profile.ts'
import { buildCellProgram } from './pool/program.ts'
import { endOrphans } from './pool/orphans.ts'
import { raiseWalls } from './pool/walls.ts'
import { startWatchdog } from './pool/watchdog.ts'
import { withoutTimeLimits } from './pool/without-time-limits.ts'
import { createScheduler } from './scheduler/scheduler.ts'
import { openSqliteStores } from './store/sqlite/open.ts'
import { sweepRegularly } from './sweeping.ts'
import { openWebhooks } from './webhook-service.ts'
import { withoutPosts } from './without-posts.ts'
import { createLogger } from './telemetry/logger.ts'
import { openTelemetry } from './telemetry/open-telemetry.ts'
import { VERSION } from './version.ts'
import { openVault } from './vault/open-vault.ts'

/** The whole platform in this process, put together: what the command line and the library open. */
export interface Platform extends Host {
  readonly execute: Execute
  readonly admission: AdmissionDesk
  readonly billing: BillingDesk
  readonly artifacts: Artifacts
  readonly functions: FunctionDirectory
  readonly pool: CellPool
}

/** Memory that remembered submissions may take. */
const ARTIFACT_CACHE = bytes(64 << 20)
/** Memory that the code of deployed functions may take, besides the cells it is in. */
const FUNCTION_CACHE = bytes(128 << 20)
const DAY_MS = 86_400_000
/** How much later than at its limit a run that is inspected is killed. */
const INSPECTED_GRACE_MS = 2_000

/**
 * Opens the platform over its data directory, to be looked into by `inspection` if a command of this process asks for it. Rejects with CONFLICT when another process has it open.
 */
export async function openHost(given: Config, inspection?: Inspection): Promise<Platform> {
  // Cells are started in a folder of their own: what they are told must not depend on where the host was.
  const config = { ...given, dataDirectory: resolve(given.dataDirectory) }
  await using taken = new AsyncDisposableStack()
  const clock = systemClock
  const log = createLogger({ clock, level: config.logLevel })
  const state: HostState = { draining: false, ready: false, url: undefined }
  /** Without its watchdog no limit is certain, without its store no charge is: nothing new is let in. */
  const stopAdmitting = (event: string, error: unknown): void => {
    state.draining = true
    log.fatal({ err: error }, event)
  }
  const cgroups = openCgroups({ wanted: config.cgroups })
  const program = await buildCellProgram(join(config.dataDirectory, 'cells'))
  // Trying the walls takes a cell's start, most of it in another process: the store is opened meanwhile.
  const raising = raiseWalls({
    program,
    wanted: config.walls,
    onFailure: (error) => stopAdmitting('spawner.failed', error),
  })
  raising.catch(() => {})
  taken.defer(async () => (await raising.catch(() => undefined))?.walls[Symbol.asyncDispose]())
  const stores = taken.use(
    await openSqliteStores({
      directory: config.dataDirectory,
      clock,
      synchronous: config.synchronous,
      detailsRetention: millis(config.logRetentionDays * DAY_MS),
      onFailure: (error) => stopAdmitting('store.failed', error),
    }),
  )
  const orphans = endOrphans(dirname(program.file))
  if (orphans > 0) log.warn({ orphans }, 'cells.left-over')
  const blobs = taken.use(
    await openBlobService({ config, index: stores.blobs, clock, log, listening: () => state.url }),
  )
  const adminKey = await loadAdminKey({ directory: config.dataDirectory, given: config.adminKey })
  if (adminKey.warning !== undefined) log.warn({ reason: adminKey.warning }, 'admin-key.exposed')
  const vault = await openVault(config, (reason) => log.warn({ reason }, 'vault-key.exposed'))
  const policies = loadPolicies(config.policiesDirectory === undefined ? [] : [config.policiesDirectory])
  const { walls, trials } = await raising
  const newRunId = createRunIds(() => clock.now())
  const admission = await createAdmission({
    clock,
    tenants: stores.tenants,
    keys: stores.keys,
    policies,
    adminKey: adminKey.key,
    walls: () => walls.level,
    allowWeakWalls: config.allowWeakWalls,
    newRunId,
    draining: () => state.draining,
    // A name that is given again must not meet the cells of whoever had it before.
    onTenantDeleted(tenant) {
      pool.retireTenant(tenant, 'tenant-deleted')
      broker.revoke(tenant)
      functions.forgetTenant(tenant)
      capabilities.forgetTenant(tenant)
    },
  })
  const ledger = config.ledger === 'on' ? stores.ledger : withoutPosts(stores.ledger)
  const prices = new PriceBooks(loadPriceBooks(config.priceBook))
  const webhooks = taken.use(openWebhooks({ config, store: stores.webhooks, vault, clock, log }))
  const billing = createBilling({
    clock,
    ledger,
    prices,
    invoices: stores.invoices,
    closedUntil: await stores.invoices.closedUntil(),
    budgetOf: (tenant) => admission.budgetOf(tenant),
    notify: (notice) => webhooks.notify(notice),
  })
  const meter = openProcessMeter()
  const watchdog = taken.use(
    startWatchdog({
      rows: config.cellsMax,
      intervalMs: config.watchdogMs,
      onFailure: (error) => stopAdmitting('watchdog.failed', error),
    }),
  )
  const pool = taken.use(
    createPool({
      clock,
      program,
      meter,
      watchdog,
      walls,
      groups: 'groups' in cgroups ? cgroups.groups : undefined,
      blankCells: config.blankCells,
      isolatesPerBlankCell: config.isolatesPerBlankCell,
      blankProfile: profileOf(policies.resolve('default')),
      cellsMax: config.cellsMax,
      memoryMax: bytes(config.cellMemoryCapMb * 2 ** 20),
      // A profile that is due at the limit has to be told after it.
      killGraceMs: inspection === undefined ? config.killGraceMs : INSPECTED_GRACE_MS,
      inspection,
      startTimeoutMs: config.cellStartTimeoutMs,
      onTenantDeath(tenant, reason) {
        const waitMs = admission.recordDeath(tenant, reason)
        if (waitMs > 0) log.warn({ tenant, reason, waitMs: Math.round(waitMs) }, 'tenant.backed-off')
      },
    }),
  )
  void pool.ready().then(
    () => (state.ready = true),
    (error: unknown) => log.fatal({ err: error }, 'cell.start-failed'),
  )
  const scheduler = createScheduler({ clock, runsMax: config.runsMax })
  const capabilities = taken.use(
    openCapabilities({ config, stores, blobs, vault, clock, policyOf: (tenant) => admission.policyOf(tenant) }),
  )
  const invoke = createInvokeCapability({
    resolve: (tenant, name, target) => functions.resolve(tenant, name, target),
    execute: (request) => execute(request),
    tryAcquire: (ticket) => scheduler.tryAcquire(ticket),
  })
  const broker = createBroker({
    capabilities: [...capabilities.all, invoke],
    clock,
    ledger,
    onFault: (operation, error) => log.error({ operation, err: error }, 'capability.failed'),
  })
  const execute = createExecute({
    admission,
    billing,
    scheduler,
    pool: inspection?.mode === 'debugger' ? withoutTimeLimits(pool) : pool,
    broker,
    clock,
  })
  const artifacts = createArtifacts({ cacheSize: ARTIFACT_CACHE })
  const watch = taken.use(watchCanaries({ costOf: (usage) => billing.cost(usage), directory: () => functions, log }))
  const functions = createFunctionDirectory({
    clock,
    watch,
    store: stores.functions,
    load: createLoadCode({ admission, scheduler, pool }),
    cacheSize: FUNCTION_CACHE,
  })
  const draining = (): boolean => state.draining
  const events = taken.use(
    await openEventService({ clock, stores, admission, functions, execute, newRunId, draining, log }),
  )
  const telemetry = taken.use(openTelemetry({ pool, admission, ledger: stores.ledger, log }))
  const health = (): Health => ({ ready: state.ready, walls: walls.level, blankCells: pool.blankReady })
  const gateway = createGateway({
    gatekeeper: admission,
    directory: admission,
    draining,
    artifacts,
    execute,
    functions,
    ...events,
    functionConfig: configSchema,
    forwarded: config.forwarded,
    functionOrigin: config.functionOrigin,
    functionHosts: config.functionHosts,
    accounts: accountsOf(billing),
    runs: stores.ledger,
    ...telemetry,
    blobs: blobs.store,
    blobUrls: blobs.urls,
    queues: stores.queues,
    clock,
    ...capabilities.doors,
    webhooks,
    health,
    log,
    version: VERSION,
    bodySizeMax: config.bodyBytesMax,
    limits: {
      connections: connectionsWithin(HTTP_LIMITS.connections, descriptorsMax(), config.cellsMax),
      connectionsPerAddress: config.connectionsPerAddress,
    },
  })
  taken.defer(() => gateway.close())
  taken.use(sweepRegularly(stores, clock, log))
  const tenants = (): readonly TenantId[] => admission.listTenants().map(({ id }) => id)
  taken.use(keepAccountsHourly({ storedBytes: () => stores.storedBytes(), tenants, desk: billing, clock, log }))
  const resources = taken.move()

  return {
    execute,
    admission,
    billing,
    artifacts,
    functions,
    pool,
    adminKey: adminKey.key,
    inject: (request) => inject(gateway, request),
    async listen() {
      const address = await gateway.listen({ host: config.host, port: config.port })
      state.url = address.url
      stores.announce(address.url)
      events.start()
      log.info({ url: address.url, walls: walls.level }, 'host.listening')
      return address
    },
    ready: () => pool.ready(),
    doctor: () => examine({ config, meter, trials, cgroups, admission, execute, artifacts, blobs }),
    doctorWeb: () => examineWeb({ admission, execute, artifacts }),
    async drain() {
      state.draining = true
      log.info({ runs: admission.running }, 'host.draining')
      await Promise.race([admission.whenIdle(), pause(config.drainMs, undefined, { ref: false })])
      // What still runs is ended by the host, and its callers are told so before the door closes.
      await pool[Symbol.asyncDispose]()
      await admission.whenIdle()
      telemetry.tail[Symbol.dispose]()
      await gateway.close()
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

interface HostState {
  draining: boolean
  ready: boolean
  /** Where it listens. */
  url: string | undefined
}

async function inject(gateway: Gateway, { method, url, headers, payload }: HostRequest): Promise<HostAnswer> {
  const answer = await gateway.inject({ method, url, headers, ...(payload !== undefined && { payload }) })
  return { statusCode: answer.statusCode, headers: answer.headers, body: answer.body, rawPayload: answer.rawPayload }
}
