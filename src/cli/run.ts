import { type Command, Option } from 'commander'
import { ask, path } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { ensureTenant } from './ensure-tenant.ts'
import { parseInspectorAddress } from './inspector-address.ts'
import { extractResult, printJson } from './json.ts'
import { type LookOptions, openLook } from './look.ts'
import { type TenantOptions, addTenantOptions, parseWhole } from './options.ts'
import { exitOf, printLogs, printReport, printTrouble } from './report.ts'
import { readInput } from './run-input.ts'
import { type ProgramSource, readProgram } from './program-source.ts'
import { LANGUAGE_NAMES, type Language } from './source.ts'
import { type Positions, translateAnswer } from './source-positions.ts'
import { EXIT_OK, EXIT_USAGE, type ExitCode, Stop } from './stop.ts'

interface RunOptions extends TenantOptions, LookOptions {
  readonly input?: string
  readonly inputFile?: string
  readonly timeout?: number
  readonly policy?: string
  readonly language?: Language
  readonly allowWeakWalls?: true
}

const EXAMPLE = `echo 'return { hello: input.name }' > hello.js
cloister run hello.js --input '{"name":"ann"}'`

/** `cloister run FILE`: executes a file once, as a tenant, and exits as its code did. */
export function registerRun(program: Command, context: Context): void {
  const command = program
    .command('run')
    .summary('execute a file once')
    .description(
      'Executes a JavaScript or TypeScript file once, bundled with what it imports. The result goes to standard output, logs and the charge to standard error.',
    )
    .argument('<file>', 'a .js, .mjs, .ts or .mts file; - for standard input')
    .addOption(new Option('--input <json>', 'what the code gets as input').conflicts('inputFile'))
    .option('--input-file <file>', 'a file with the input; - for standard input')
    .option('--timeout <ms>', 'shorten the wall time that the policy allows', parseWhole)
    .option('--policy <name>', 'the policy of the tenant: a name, or a .json file (not with CLOISTER_URL)')
    .addOption(new Option('--language <language>', 'instead of by extension').choices(LANGUAGE_NAMES))
    .option(
      '--allow-weak-walls',
      'run although the policy asks for walls this machine does not have; not with a server',
    )
    .addOption(
      new Option(
        '--inspect [address]',
        'wait for a debugger at this address, 127.0.0.1:9229 if absent, and stop at the first statement; for development',
      )
        .argParser(parseInspectorAddress)
        .conflicts(['cpuProfile', 'timeout']),
    )
    .option('--cpu-profile <file>', 'write where the time of the run went, for DevTools; not with a server')
  addTenantOptions(command, EXAMPLE).action(async (file: string, options: RunOptions) => {
    context.finish(await run(file, options, context))
  })
}

async function run(file: string, options: RunOptions, context: Context): Promise<ExitCode> {
  if (file === '-' && options.inputFile === '-') {
    throw new Stop('FILE and --input-file cannot both be standard input', { exit: EXIT_USAGE })
  }
  const input = await readInput(options, context)
  const program = await readProgram(file, options.language, context)
  const body = composeBody(program, input, options)
  // A bundle has no file of the user's that an editor could find it as.
  const submitted = { file: program.positions === undefined ? file : '-', main: program.main }
  await using look = await openLook(submitted, options, context)
  const overrides = { allowWeakWalls: options.allowWeakWalls }
  await using connection = await connect(options, context, overrides, look?.inspection)
  await ensureTenant(connection, options, context)
  look?.announce()
  const answer = await ask(connection, 'POST', path`/v1/tenants/${options.tenant}/execute`, { body })
  const exit = printAnswer(answer, program.positions, options, context)
  await look?.finish()
  return exit
}

function printAnswer(
  text: string,
  positions: Positions | undefined,
  { json }: RunOptions,
  { out, err }: Context,
): ExitCode {
  const given: unknown = JSON.parse(text)
  const answer = positions === undefined ? given : translateAnswer(given, positions)
  const exit = exitOf(answer)
  if (json) {
    // A result stays the text that it is; with an error there is none.
    printJson(out, exit === EXIT_OK ? text : JSON.stringify(answer))
    return exit
  }
  printLogs(err, answer)
  if (exit === EXIT_OK) printJson(out, extractResult(text))
  printTrouble(err, answer)
  printReport(err, answer)
  return exit
}

/** The request's body. The input goes in as the text that it is, so that no number in it changes. */
function composeBody({ modules, main }: ProgramSource, input: string | undefined, options: RunOptions): string {
  const rest = JSON.stringify({ modules, main, timeoutMs: options.timeout })
  return input === undefined ? rest : `${rest.slice(0, -1)},"input":${input}}`
}
