import { accessSync, constants } from 'node:fs'
import { release } from 'node:os'
import type { AdmissionDesk } from './admission/admission.ts'
import type { DoctorCheck, DoctorReport, WebReport } from './cli/host.ts'
import type { BlobService } from './blob-service.ts'
import type { Config } from './config.ts'
import { parseTenantId } from './core/ids.ts'
import type { Outcome } from './core/run.ts'
import type { Execute } from './execute.ts'
import type { Artifacts } from './functions/artifacts.ts'
import { findBubblewrap } from './pool/bubblewrap.ts'
import type { Cgroups } from './pool/cgroups.ts'
import type { ProcessMeter } from './pool/meter.ts'
import type { Trial } from './pool/probe.ts'
import { FIND_MISSING, WEB_STANDARD } from './web-standard.ts'

interface Parts {
  readonly config: Config
  readonly meter: ProcessMeter
  /** What was found when the walls were tried at the start of this host. */
  readonly trials: readonly Trial[]
  readonly cgroups: Cgroups
  readonly admission: AdmissionDesk
  readonly execute: Execute
  readonly artifacts: Artifacts
  readonly blobs: Pick<BlobService, 'examine'>
}

type ProbeParts = Pick<Parts, 'admission' | 'execute' | 'artifacts'>

/** The tenant that a probe run is charged to. */
const PROBE_TENANT = 'cloister-doctor'

/** Looks at this machine and really runs something on it. Takes a cell's start; never throws for what it finds. */
export async function examine(parts: Parts): Promise<DoctorReport> {
  const checks: DoctorCheck[] = [
    checkDirectory(parts.config),
    ...(await checkBlobs(parts)),
    await probe(parts),
    checkMeter(parts.meter),
    checkKillWithHost(),
    checkCgroups(parts.cgroups),
    ...checkWalls(parts.trials),
  ]
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    kernel: release(),
    checks,
    walls: parts.trials.find(({ isUp }) => isUp)?.level ?? 'C',
  }
}

/** Asks a real guest which names of the web's standard API it finds. Throws when no guest can be run. */
export async function examineWeb(parts: ProbeParts): Promise<WebReport> {
  const names = Object.entries(WEB_STANDARD).flatMap(([part, list]) => list.map((name) => ({ part, name })))
  const { status, result, error } = await runProbe(
    parts,
    FIND_MISSING,
    names.map(({ name }) => name),
  )
  if (status !== 'ok') throw new Error(`the guest that looks for the names ended as ${status}: ${error?.message}`)
  const missing = new Set(JSON.parse(String(result)) as string[])
  return {
    standard: 'ECMA-429',
    found: names.length - missing.size,
    total: names.length,
    missing: [...missing],
    names: names.map(({ part, name }) => ({ part, name, isFound: !missing.has(name) })),
  }
}

function checkDirectory({ dataDirectory }: Config): DoctorCheck {
  try {
    accessSync(dataDirectory, constants.W_OK | constants.R_OK)
    return { name: 'data directory', status: 'ok', detail: `${dataDirectory} can be read and written` }
  } catch (error) {
    return { name: 'data directory', status: 'failed', detail: String(error), fix: `chmod u+rwx ${dataDirectory}` }
  }
}

/** Storage that is not in the data directory. */
async function checkBlobs({ config: { s3Endpoint, s3Bucket }, blobs }: Parts): Promise<readonly DoctorCheck[]> {
  if (s3Endpoint === undefined) return []
  const name = 'storage of blobs'
  const place = `bucket ${s3Bucket} at ${s3Endpoint}`
  const reason = await blobs.examine()
  if (reason === undefined) return [{ name, status: 'ok', detail: `${place} answers` }]
  return [{ name, status: 'failed', detail: `${place}: ${reason}`, fix: 'look at the variables CLOISTER_S3_*' }]
}

/** One run through the whole path: admission, a real cell, the ledger. */
async function runProbe({ admission, execute, artifacts }: ProbeParts, code: string, input: unknown): Promise<Outcome> {
  const tenant = parseTenantId(PROBE_TENANT)
  if (tenant === undefined) throw new Error('the name of the probe tenant is not a name')
  await admission.putTenant(tenant, { policy: 'default' })
  const artifact = artifacts.build({ code })
  const outcome = await execute({ tenant, trigger: 'execute', artifact, input: Buffer.from(JSON.stringify(input)) })
  await admission.deleteTenant(tenant)
  return outcome
}

async function probe(parts: Parts): Promise<DoctorCheck> {
  try {
    const { status, usage, result } = await runProbe(parts, 'return input.n + 1', { n: 41 })
    const isRight = status === 'ok' && String(result) === '42'
    const detail = `${isRight ? 'a run in a real cell answered' : `a run ended as ${status}`}, ${usage.wall / 1_000} ms wall, ${usage.cpu / 1_000} ms CPU`
    return { name: 'cells', status: isRight ? 'ok' : 'failed', detail }
  } catch (error) {
    return {
      name: 'cells',
      status: 'failed',
      detail: error instanceof Error ? error.message : String(error),
      fix: 'npm ci',
    }
  }
}

function checkMeter({ source }: ProcessMeter): DoctorCheck {
  const name = 'CPU clock'
  switch (source) {
    case 'clock':
      return { name, status: 'ok', detail: 'the kernel’s CPU clock of each cell, to the nanosecond' }
    case 'proc-stat':
      return { name, status: 'note', detail: '/proc/PID/stat, in steps of 10 ms: this Node cannot call the C library' }
    case 'ps':
      return { name, status: 'note', detail: 'ps, sampled every 100 ms: this system has no /proc' }
  }
}

function checkKillWithHost(): DoctorCheck {
  const name = 'orphans'
  if (process.platform === 'linux')
    return { name, status: 'ok', detail: 'the kernel kills every cell when the host dies' }
  return {
    name,
    status: 'note',
    detail: 'cells end when their socket closes; one in a tight loop ends at its deadline',
  }
}

function checkCgroups(cgroups: Cgroups): DoctorCheck {
  const name = 'cgroups'
  if ('reason' in cgroups) {
    return { name, status: 'note', detail: `cells have no limits of a cgroup's: ${cgroups.reason}`, ...CGROUP_FIX }
  }
  return { name, status: 'ok', detail: `each cell has a group of its own in ${cgroups.directory}` }
}

const CGROUP_FIX =
  process.platform === 'linux' ? { fix: 'run Cloister as a systemd service with Delegate=memory pids cpu' } : {}

/** Every level of the operating-system wall: what a probe inside it could do, and what would raise one that is not up. */
function checkWalls(trials: readonly Trial[]): readonly DoctorCheck[] {
  return (['A', 'B', 'C'] as const).map((level): DoctorCheck => {
    const name = `wall level ${level}`
    const trial = trials.find((one) => one.level === level)
    if (trial === undefined) return { name, status: 'note', detail: 'not tried' }
    const { isUp, attempts, faults } = trial
    const refused = attempts.filter((one) => one.refused).length
    const tried = `a probe tried ${attempts.length} forbidden things: ${refused} were refused`
    if (isUp) return { name, status: 'ok', detail: level === 'C' ? `${tried}; native code could do the rest` : tried }
    return {
      name,
      status: 'missing',
      detail: `${attempts.length > 0 ? `${tried}. ` : ''}${faults.slice(0, FAULTS_SHOWN).join('; ')}`,
      ...fixOf(level),
    }
  })
}

/** Faults of a level that are named; the first ones tell what is missing. */
const FAULTS_SHOWN = 3

function fixOf(level: 'A' | 'B' | 'C'): { readonly fix?: string } {
  if (process.platform !== 'linux') return { fix: 'run Cloister on Linux' }
  if (level !== 'A') return {}
  if (findBubblewrap(process.env['PATH']) === undefined) return { fix: 'apt-get install bubblewrap' }
  return { fix: 'allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000' }
}
