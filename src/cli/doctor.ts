import type { Command } from 'commander'
import type { Config } from '../config.ts'
import type { WallLevel } from '../core/run.ts'
import type { Context } from './context.ts'
import { describeFailure } from './failure.ts'
import type { DoctorCheck, DoctorReport, Host, WebReport } from './host.ts'
import { configure, findOwner } from './data-directory.ts'
import { createScratch } from './scratch.ts'
import { type CommonOptions, addCommonOptions } from './options.ts'
import { EXIT_FAILED, EXIT_HOST_FAULT, EXIT_OK, type ExitCode } from './stop.ts'
import { type Style, paint, print, printable } from './terminal.ts'

const SIGNS: Record<DoctorCheck['status'], { readonly sign: string; readonly style: Style }> = {
  ok: { sign: '✓', style: 'green' },
  missing: { sign: '○', style: 'yellow' },
  failed: { sign: '✗', style: 'red' },
  note: { sign: '·', style: 'dim' },
}

const WALLS: Record<WallLevel, string> = {
  A: 'bubblewrap, seccomp and resource limits',
  B: 'seccomp, Landlock and resource limits',
  C: "processes and Node's permission model only: for development, not for code of strangers",
}

/** Holds the longest name of the standard. */
const WEB_NAME_WIDTH = 'TransformStreamDefaultController'.length

/** `cloister doctor`: what this machine can do for the walls, and the line that would raise each missing one. */
export function registerDoctor(program: Command, context: Context): void {
  const command = program
    .command('doctor')
    .summary('what this machine has and lacks')
    .description(
      'Tries what Cloister needs of this machine: which walls are up, and what would raise each missing one.',
    )
  addCommonOptions(command, 'cloister doctor\ncloister doctor --web')
    .option('--web', "list instead which names of the web's standard API (ECMA-429) a guest finds")
    .action(async (options: CommonOptions & { readonly web?: true }) => {
      context.finish(await (options.web ? examineWeb(options, context) : examine(options, context)))
    })
}

/** The names that a guest finds do not depend on the data: a directory of its own spares those of a server. */
async function examineWeb({ json }: CommonOptions, context: Context): Promise<ExitCode> {
  await using scratch = await createScratch('doctor')
  const config = configure(context, { dataDirectory: scratch.path, blankCells: 0, logLevel: 'silent' })
  const report = await askHost(config, context, (host) => host.doctorWeb())
  if (json) print(context.out, JSON.stringify(report))
  else printWebReport(context, report)
  return report.missing.length === 0 ? EXIT_OK : EXIT_FAILED
}

function printWebReport({ out }: Context, { standard, found, total, names }: WebReport): void {
  for (const { part, name, isFound } of names) {
    const { sign, style } = SIGNS[isFound ? 'ok' : 'failed']
    print(out, `${paint(out, style, sign)} ${name.padEnd(WEB_NAME_WIDTH)}  ${paint(out, 'dim', part)}`)
  }
  print(out, `\n${found} of ${total} names of ${standard} are there`)
}

async function examine(options: CommonOptions, context: Context): Promise<ExitCode> {
  const report = await makeReport(options, context)
  if (options.json) print(context.out, JSON.stringify(report))
  else printReport(context, report)
  return report.checks.some(({ status }) => status === 'failed') ? EXIT_HOST_FAULT : EXIT_OK
}

async function makeReport({ data }: CommonOptions, context: Context): Promise<DoctorReport> {
  try {
    const config = configure(context, { dataDirectory: data, blankCells: 0, logLevel: 'silent' })
    const owner = await findOwner(config.dataDirectory)
    if (owner === undefined) return await askHost(config, context, askDoctor)
    // A server has the directory. The walls are the machine's, so from any other directory they look the same.
    await using scratch = await createScratch('doctor')
    const report = await askHost({ ...config, dataDirectory: scratch.path }, context, askDoctor)
    const detail = `${config.dataDirectory} is in use by process ${owner.pid}, ${owner.url ?? 'which does not serve'}`
    return { ...report, checks: [...report.checks, { name: 'server', status: 'note', detail }] }
  } catch (error) {
    // A platform that does not even start is what a doctor is for.
    const { message, next } = describeFailure(error)
    const check = {
      name: 'start',
      status: 'failed',
      detail: message,
      ...(next !== undefined && { fix: next }),
    } as const
    return { node: process.version, platform: `${process.platform}-${process.arch}`, checks: [check], walls: 'C' }
  }
}

function askDoctor(host: Host): Promise<DoctorReport> {
  return host.doctor()
}

async function askHost<Report>(
  config: Config,
  context: Context,
  ask: (host: Host) => Promise<Report>,
): Promise<Report> {
  const { openHost } = await context.loadHost()
  await using host = await openHost(config)
  return await ask(host)
}

function printReport({ out }: Context, { node, platform, kernel, checks, walls }: DoctorReport): void {
  const machine = [`Node ${node}`, platform, kernel].filter((part) => part !== undefined).join(', ')
  print(out, `${paint(out, 'bold', 'machine')}  ${machine}`)
  print(out, `${paint(out, 'bold', 'walls')}    level ${walls}: ${WALLS[walls]}\n`)
  const width = Math.max(...checks.map(({ name }) => name.length))
  for (const { name, status, detail, fix } of checks) {
    const { sign, style } = SIGNS[status]
    print(out, `${paint(out, style, sign)} ${name.padEnd(width)}  ${printable(out, detail)}`)
    if (fix !== undefined) print(out, `${' '.repeat(width + 4)}${paint(out, 'cyan', 'fix')}: ${fix}`)
  }
}
