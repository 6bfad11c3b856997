import { randomBytes, randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { type Command, InvalidArgumentError } from 'commander'
import { ATTACK_CLASSES, type AttackClass } from '../stress/attack.ts'
import { type CampaignParts, runCampaign } from '../stress/campaign.ts'
import { CATALOGUE, select } from '../stress/catalogue.ts'
import { TOLERANCE } from '../stress/judge.ts'
import { renderReport } from '../stress/report/page.ts'
import type { StressResult } from '../stress/result.ts'
import type { Context } from './context.ts'
import { type JsonOption, addJsonOption, parseWhole } from './options.ts'
import { EXIT_HOST_FAULT, EXIT_OK, EXIT_USAGE, type ExitCode, Stop } from './stop.ts'
import { createProgressPrinter } from './stress-progress.ts'
import { printCatalogue, printStress } from './stress-print.ts'
import { openOwnHost, openServer } from './stress-target.ts'
import { print } from './terminal.ts'

interface StressOptions extends JsonOption {
  readonly against?: string
  readonly key?: string
  readonly class?: readonly AttackClass[]
  readonly attack?: readonly string[]
  readonly list?: true
  readonly quick?: true
  readonly rounds: number
  readonly concurrency?: number
  readonly seed?: number
  readonly report?: string
}

/** How long quiet tenants are watched before the first attack: some hundreds of calls. In ms. */
const CALM_MS = { all: 6_000, quick: 3_000 } as const
const ROUNDS_MAX = 1_000
const CONCURRENCY_MAX = 64
const SEED_END = 1_000_000

/** `cloister stress`: attacks a platform through its API and says what held. */
export function registerStress(program: Command, context: Context): void {
  const command = program
    .command('stress')
    .summary('attack a host of its own, or a server, and see what is contained')
    .description(
      'Carries out the attack catalogue through the HTTP API while quiet tenants go on working, and judges each attack. Without\n' +
        '--against a host is started for it in a scratch directory. Exit code 1 if anything was not contained.',
    )
    .option('--against <url>', 'a running server; its admin key comes from --key or CLOISTER_KEY', parseUrl)
    .option('--key <key>', 'the admin key of that server')
    .option('--class <names>', `only these classes: ${Object.keys(ATTACK_CLASSES).join(', ')}`, parseClasses)
    .option('--attack <numbers>', 'only these attacks, as A-20,A-45', parseNumbers)
    .option('--quick', 'a short choice from every class')
    .option('--list', 'list the attacks and carry out none')
    .option('--rounds <count>', 'how often each attack is carried out', parseBetween(1, ROUNDS_MAX), 1)
    .option(
      '--concurrency <count>',
      'attacks at once; as many as processors if absent',
      parseBetween(1, CONCURRENCY_MAX),
    )
    .option('--seed <number>', 'the order of the attacks; another one each time if absent', parseWhole)
    .option('--report <file>', 'also write a report as one HTML file')
  const example =
    'cloister stress --quick --report report.html\nCLOISTER_KEY="$(cat .cloister/admin.key)" cloister stress --against http://127.0.0.1:8787'
  addJsonOption(command, example).action(async (options: StressOptions) => {
    context.finish(await stress(options, context))
  })
}

async function stress(options: StressOptions, context: Context): Promise<ExitCode> {
  const { numbers, classes } = { numbers: options.attack, classes: options.class }
  const extent = options.quick ? 'quick' : 'all'
  const attacks = select({ extent, ...(classes && { classes }), ...(numbers && { numbers }) })
  if (options.list) {
    printCatalogue(context.out, attacks, options)
    return EXIT_OK
  }
  if (attacks.length === 0)
    throw new Stop('no attack is left to carry out', { exit: EXIT_USAGE, next: 'cloister stress --list' })
  const result = await carryOut(attacks, CALM_MS[extent], options, context)
  if (options.report !== undefined) await writeReport(options.report, result)
  if (options.json) print(context.out, JSON.stringify(result))
  else printStress(context.out, result, options.report)
  return result.passed ? EXIT_OK : 1
}

async function carryOut(
  attacks: CampaignParts['attacks'],
  calmMs: number,
  options: StressOptions,
  context: Context,
): Promise<StressResult> {
  // Before anything is made, so that a signal always finds somebody who cleans up.
  using shutdown = context.listenForShutdown()
  const stopping = new AbortController()
  void shutdown.requested.then((signal) => {
    print(context.err, `${signal}: finishing the attacks under way and removing what was made; once more ends at once`)
    stopping.abort()
  })
  const key = options.key ?? context.env['CLOISTER_KEY']
  await using target = await (options.against === undefined ? openOwnHost(context) : openServer(options.against, key))
  using progress = createProgressPrinter(context.err)
  return await runCampaign({
    door: target.connection,
    clock: context.clock,
    attacks,
    rounds: options.rounds,
    concurrency: options.concurrency ?? Math.max(2, availableParallelism()),
    seed: options.seed ?? randomInt(SEED_END),
    target: target.kind,
    tolerance: TOLERANCE,
    prefix: `stress-${randomBytes(4).toString('hex')}`,
    newSecret: () => randomBytes(16).toString('hex'),
    calmMs,
    ...(target.cells !== undefined && { cells: target.cells }),
    ...(target.kind === 'own' && { machine: { processors: availableParallelism(), load: loadavg()[0] ?? 0 } }),
    onProgress: (event) => progress.show(event),
    signal: stopping.signal,
  })
}

async function writeReport(file: string, result: StressResult): Promise<void> {
  try {
    await writeFile(file, renderReport(result))
  } catch (error) {
    throw new Stop(`the report cannot be written: ${error instanceof Error ? error.message : String(error)}`, {
      exit: EXIT_HOST_FAULT,
      next: 'choose another file with --report',
    })
  }
}

function parseUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError('Not an http or https URL.')
  return text
}

function parseClasses(text: string): readonly AttackClass[] {
  return text.split(',').map((name) => {
    if (!Object.hasOwn(ATTACK_CLASSES, name)) {
      throw new InvalidArgumentError(`There is no class ${JSON.stringify(name)}.`)
    }
    return name as AttackClass
  })
}

function parseNumbers(text: string): readonly string[] {
  return text.split(',').map((number) => {
    if (!CATALOGUE.some((attack) => attack.number === number)) {
      throw new InvalidArgumentError(`There is no attack ${JSON.stringify(number)}.`)
    }
    return number
  })
}

function parseBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = parseWhole(text)
    if (value < least || value > most) throw new InvalidArgumentError(`Not a number from ${least} to ${most}.`)
    return value
  }
}
