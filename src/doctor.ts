import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { delimiter, join } from 'node:path'
import type { AdmissionDesk } from './admission/admission.ts'
import type { DoctorCheck, DoctorReport } from './cli/host.ts'
import type { Config } from './config.ts'
import { parseTenantId } from './core/ids.ts'
import type { WallLevel } from './core/run.ts'
import type { Execute } from './execute.ts'
import type { Artifacts } from './functions/artifacts.ts'
import type { ProcessMeter } from './pool/meter.ts'

interface Parts {
  readonly config: Config
  readonly meter: ProcessMeter
  readonly walls: WallLevel
  readonly admission: AdmissionDesk
  readonly execute: Execute
  readonly artifacts: Artifacts
}

/** The tenant that a probe run is charged to. */
const PROBE_TENANT = 'cloister-doctor'

/** Looks at this machine and really runs something on it. Takes a cell's start; never throws for what it finds. */
export async function examine(parts: Parts): Promise<DoctorReport> {
  const checks: DoctorCheck[] = [
    checkDirectory(parts.config),
    await probe(parts),
    checkMeter(parts.meter),
    checkKillWithHost(),
    ...checkSystemWall(),
  ]
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    kernel: release(),
    checks,
    walls: parts.walls,
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

/** One run through the whole path: admission, a real cell, the ledger. */
async function probe({ admission, execute, artifacts }: Parts): Promise<DoctorCheck> {
  const tenant = parseTenantId(PROBE_TENANT)
  try {
    if (tenant === undefined) throw new Error('the name of the probe tenant is not a name')
    await admission.putTenant(tenant, { policy: 'default' })
    const artifact = artifacts.build({ code: 'return input.n + 1' })
    const { status, usage, result } = await execute({
      tenant,
      trigger: 'execute',
      artifact,
      input: Buffer.from('{"n":41}'),
    })
    const isRight = status === 'ok' && String(result) === '42'
    const detail = `${isRight ? 'a run in a real cell answered' : `a run ended as ${status}`}, ${usage.wall / 1_000} ms wall, ${usage.cpu / 1_000} ms CPU`
    await admission.deleteTenant(tenant)
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

/** What the machine has for the operating-system wall. This version uses level C only, and says so. */
function checkSystemWall(): readonly DoctorCheck[] {
  const isLinux = process.platform === 'linux'
  const bubblewrap = find('bwrap')
  const levelA: DoctorCheck =
    bubblewrap === undefined
      ? {
          name: 'wall level A',
          status: 'missing',
          detail: 'bubblewrap is not installed; this version does not use it yet',
          fix: 'apt-get install bubblewrap',
        }
      : {
          name: 'wall level A',
          status: 'missing',
          detail: `${describe(bubblewrap)} is here; this version does not use it yet`,
        }
  const levelB: DoctorCheck = {
    name: 'wall level B',
    status: 'missing',
    detail: `seccomp ${isLinux && hasSeccomp() ? 'is' : 'is not'} offered by this kernel; this version does not use it yet`,
    ...(!isLinux && { fix: 'run Cloister on Linux' }),
  }
  return [
    levelA,
    levelB,
    { name: 'wall level C', status: 'ok', detail: 'a process a tenant, Node’s permission model, an empty environment' },
  ]
}

function hasSeccomp(): boolean {
  try {
    return readFileSync('/proc/sys/kernel/seccomp/actions_avail', 'utf8').includes('errno')
  } catch {
    return false
  }
}

function find(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}

function describe(program: string): string {
  try {
    return execFileSync(program, ['--version'], { encoding: 'utf8', timeout: 5_000 }).trim()
  } catch {
    return program
  }
}
