import type { Clock } from '../core/clock.ts'
import type { ClassedAttack } from './attack.ts'
import { type Audit, auditLedger } from './audit.ts'
import { type Door, parseAnswer, pickText, withPatience } from './door.ts'
import { LEAK_FAULT, type Tolerance } from './judge.ts'
import { type Cells, watchMemory } from './memory-watch.ts'
import { type QuietCall, type QuietTenant, prepareQuiet, watchQuiet } from './quiet.ts'
import { type LatencyPoint, type Machine, type QuietResult, type Setting, type StressResult, total } from './result.ts'
import { percentile, shuffle, summarize } from './statistics.ts'
import { type AnsweredRun, type Verdict, strike } from './strike.ts'

/** What the stress test tells while it is at work. */
export type Progress =
  | { readonly kind: 'phase'; readonly phase: 'calm' | 'attack' | 'audit' | 'clean-up' }
  | { readonly kind: 'verdict'; readonly verdict: Verdict; readonly done: number; readonly total: number }

export interface CampaignParts {
  readonly door: Door
  readonly clock: Clock
  readonly attacks: readonly ClassedAttack[]
  readonly rounds: number
  /** Attacks at once. */
  readonly concurrency: number
  /** Mixes the order of the attacks. */
  readonly seed: number
  readonly target: Setting['target']
  readonly tolerance: Tolerance
  /** Begins the name of every tenant; nobody else's may begin so. */
  readonly prefix: string
  /** Text that nobody can guess, for the secrets of quiet tenants. */
  readonly newSecret: () => string
  /** How long the quiet tenants are watched before the first attack. */
  readonly calmMs: number
  readonly cells?: Cells
  readonly machine?: Machine
  readonly onProgress: (progress: Progress) => void
  /** Aborting it starts no more attacks; what is under way is finished and cleaned up. */
  readonly signal: AbortSignal
}

const QUIET_TENANTS = 3
/** How soon after the last run no cell of a tenant may be left. In ms. */
const IDLE_MAX_MS = 10_000
const BUCKET_MS = 500

/**
 * The whole stress test: quiet tenants are watched, first alone and then while the attacks go on; at the end the ledger and
 * the host are looked at. Whatever happens, its tenants are deleted. Rejects when the host cannot be used at all.
 */
export async function runCampaign(parts: CampaignParts): Promise<StressResult> {
  const { clock, onProgress, signal, cells } = parts
  const door = withPatience(parts.door)
  const tenants = new Set<string>()
  const startedMs = clock.elapsed()
  const startedAt = new Date(clock.now()).toISOString()
  const quiet = Array.from({ length: QUIET_TENANTS }, (_, i): QuietTenant => {
    return { tenant: `${parts.prefix}-quiet-${i + 1}`, secret: `canary-${parts.newSecret()}` }
  })
  await using cleaning = new AsyncDisposableStack()
  cleaning.defer(async () => {
    onProgress({ kind: 'phase', phase: 'clean-up' })
    await deleteTenants(door, tenants)
  })
  const walls = await askWalls(door)
  for (const { tenant } of quiet) tenants.add(tenant)
  await prepareQuiet(door, quiet)

  onProgress({ kind: 'phase', phase: 'calm' })
  const memory = cells && watchMemory(cells, clock, startedMs, (tenant) => quiet.some((one) => one.tenant === tenant))
  if (memory !== undefined) cleaning.use(memory)
  const watch = cleaning.use(watchQuiet(door, clock, quiet))
  await pause(parts.calmMs, signal)

  onProgress({ kind: 'phase', phase: 'attack' })
  const attackedFromMs = clock.elapsed()
  const secrets = quiet.map(({ secret }) => secret)
  const { verdicts, runs } = await attackAll(parts, door, secrets, (tenant) => tenants.add(tenant))
  await watch[Symbol.asyncDispose]()

  onProgress({ kind: 'phase', phase: 'audit' })
  const attackers = [...tenants].filter((tenant) => !quiet.some((one) => one.tenant === tenant))
  const ledger = await auditLedger(door, attackers, runs)
  const durationMs = clock.elapsed() - startedMs
  await cleaning.disposeAsync()
  const host = { faults: await examineHost(door, cells, clock, parts.prefix) }
  const quietResult = judgeQuiet(watch.calls, attackedFromMs, verdicts)
  return {
    passed: !signal.aborted && isPassed(verdicts, quietResult, ledger, host.faults),
    cut: signal.aborted,
    setting: {
      target: parts.target,
      walls,
      seed: parts.seed,
      rounds: parts.rounds,
      concurrency: parts.concurrency,
      startedAt,
      ...(parts.machine !== undefined && { machine: parts.machine }),
    },
    durationMs,
    totals: total(verdicts),
    quiet: quietResult,
    ledger,
    host,
    verdicts: verdicts.map((verdict) => ({
      ...verdict,
      startedMs: verdict.startedMs - startedMs,
      endedMs: verdict.endedMs - startedMs,
    })),
    attackedFromMs: attackedFromMs - startedMs,
    latency: bucketsOf(watch.calls, startedMs),
    memory: memory?.points ?? [],
  }
}

async function attackAll(
  { attacks, rounds, seed, concurrency, prefix, clock, tolerance, onProgress, signal }: CampaignParts,
  door: Door,
  secrets: readonly string[],
  onTenant: (tenant: string) => void,
): Promise<{ verdicts: readonly Verdict[]; runs: readonly AnsweredRun[] }> {
  const queue = Array.from({ length: rounds }, (_, round) =>
    shuffle(attacks, seed + round).map((attack) => ({
      attack,
      name: `${prefix}-${round + 1}-${attack.number.toLowerCase()}`,
    })),
  ).flat()
  const verdicts: Verdict[] = []
  const runs: AnsweredRun[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (!signal.aborted) {
      const one = queue[next]
      if (one === undefined) return
      next += 1
      const struck = await strike(one.attack, one.name, { door, clock, tolerance, secrets, onTenant })
      verdicts.push(struck.verdict)
      runs.push(...struck.runs)
      onProgress({ kind: 'verdict', verdict: struck.verdict, done: verdicts.length, total: queue.length })
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  const order = new Map(attacks.map(({ number }, place) => [number, place]))
  return { verdicts: verdicts.toSorted((a, b) => (order.get(a.number) ?? 0) - (order.get(b.number) ?? 0)), runs }
}

async function askWalls(door: Door): Promise<string> {
  const { body } = await door.request('GET', '/readyz')
  return pickText(parseAnswer(body), 'walls') ?? 'unknown'
}

/** Deletes what the test has made. Goes on past what cannot be deleted: that shows in the examination of the host. */
async function deleteTenants(door: Door, tenants: ReadonlySet<string>): Promise<void> {
  for (const tenant of tenants) await door.request('DELETE', `/v1/tenants/${tenant}`).catch(() => undefined)
}

async function examineHost(
  door: Door,
  cells: Cells | undefined,
  clock: Clock,
  prefix: string,
): Promise<readonly string[]> {
  const faults: string[] = []
  const { status } = await door.request('GET', '/readyz').catch(() => ({ status: 0 }))
  if (status !== 200) faults.push(`the host answers ${status} to /readyz after the attacks`)
  const { body } = await door.request('GET', '/v1/tenants').catch(() => ({ body: '' }))
  if (body.includes(`"${prefix}-`)) faults.push('tenants of the test could not be deleted')
  if (cells === undefined) return faults
  const untilMs = clock.elapsed() + IDLE_MAX_MS
  const left = (): number => cells.list().filter(({ tenant }) => tenant !== undefined).length
  while (left() + cells.strays().length > 0 && clock.elapsed() < untilMs) await pause(50)
  if (left() > 0) faults.push(`${left()} cells of deleted tenants are left`)
  const strays = cells.strays()
  if (strays.length > 0) faults.push(`${strays.length} cells that the host does not know are left`)
  return faults
}

function judgeQuiet(calls: readonly QuietCall[], attackedFromMs: number, verdicts: readonly Verdict[]): QuietResult {
  const latencies = (wanted: (call: QuietCall) => boolean): readonly number[] =>
    calls.filter(wanted).map(({ latencyMs }) => latencyMs)
  const faults = Map.groupBy(
    calls.flatMap(({ fault }) => (fault === undefined ? [] : [fault])),
    (fault) => fault.replaceAll(/run_\w+|\d+/g, '…'),
  )
  return {
    tenants: QUIET_TENANTS,
    before: summarize(latencies(({ atMs }) => atMs < attackedFromMs)),
    attacked: summarize(latencies(({ atMs }) => atMs >= attackedFromMs)),
    faults: [...faults].map(([fault, all]) => ({ fault, count: all.length })),
    leaks: verdicts.filter((verdict) => verdict.faults.includes(LEAK_FAULT)).length,
  }
}

function isPassed(verdicts: readonly Verdict[], quiet: QuietResult, ledger: Audit, host: readonly string[]): boolean {
  const faults = quiet.faults.length + quiet.leaks + ledger.faults.length + host.length
  return faults === 0 && verdicts.every(({ contained }) => contained)
}

function bucketsOf(calls: readonly QuietCall[], startedMs: number): readonly LatencyPoint[] {
  const buckets = Map.groupBy(calls, ({ atMs }) => Math.floor((atMs - startedMs) / BUCKET_MS))
  return [...buckets]
    .toSorted(([one], [other]) => one - other)
    .map(([bucket, group]) => {
      const latencies = group.map(({ latencyMs }) => latencyMs)
      return { atMs: bucket * BUCKET_MS, p50Ms: percentile(latencies, 0.5), maxMs: Math.max(...latencies) }
    })
}

/** Waits; not at all, or no longer, once the signal aborts. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve()
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
