import { type Command, Option } from 'commander'
import { ask, path, withQuery } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { extractResult, printJson, textAt } from './json.ts'
import { type TenantOptions, addTenantOptions, parseWhole } from './options.ts'
import { exitOf, printLogs, printReport, printTrouble } from './report.ts'
import { readInput } from './run-input.ts'
import { EXIT_OK, type ExitCode } from './stop.ts'
import { print } from './terminal.ts'

interface InvokeOptions extends TenantOptions {
  readonly input?: string
  readonly inputFile?: string
  readonly at?: number
  readonly alias?: string
  readonly timeout?: number
  readonly async?: true
  readonly idempotencyKey?: string
}

/** `cloister invoke NAME`: calls a deployed function, and exits as its code did. */
export function registerInvoke(program: Command, context: Context): void {
  const command = program
    .command('invoke')
    .summary('call a deployed function')
    .description(
      'Calls a deployed function. The result goes to standard output, logs and the charge to standard error.',
    )
    .argument('<name>', 'the function')
    .addOption(new Option('--input <json>', 'what the function gets as input').conflicts('inputFile'))
    .option('--input-file <file>', 'a file with the input; - for standard input')
    .addOption(new Option('--at <version>', 'this version, wherever calls go').argParser(parseWhole).conflicts('alias'))
    .option('--alias <alias>', 'the version that an alias names; live if absent')
    .option('--timeout <ms>', 'shorten the wall time that policy and function allow', parseWhole)
  command
    .option('--async', 'do not wait: print the id of the run, which takes place by itself')
    .option('--idempotency-key <key>', 'make the call once a day, however often it is asked for')
  addTenantOptions(command, `cloister invoke greet --tenant ann --input '{"name":"ann"}'`).action(
    async (name: string, options: InvokeOptions) => {
      context.finish(await invoke(name, options, context))
    },
  )
}

async function invoke(name: string, options: InvokeOptions, context: Context): Promise<ExitCode> {
  const input = await readInput(options, context)
  await using connection = await connect(options, context)
  const { tenant, at, alias, timeout } = options
  const version = at === undefined ? undefined : String(at)
  const address = withQuery(path`/v1/tenants/${tenant}/functions/${name}/invoke`, { version, alias })
  const rest = JSON.stringify({ timeoutMs: timeout })
  // The input goes in as the text that it is, so that no number in it changes.
  const fields = [rest.slice(1, -1), input === undefined ? '' : `"input":${input}`].filter((field) => field !== '')
  const headers = {
    ...(options.async && { prefer: 'respond-async' }),
    ...(options.idempotencyKey !== undefined && { 'idempotency-key': options.idempotencyKey }),
  }
  const text = await ask(connection, 'POST', address, { body: `{${fields.join(',')}}`, headers })
  const answer: unknown = JSON.parse(text)
  if (options.async) {
    if (options.json) printJson(context.out, text)
    else print(context.out, textAt(answer, 'runId') ?? '')
    return EXIT_OK
  }
  const exit = exitOf(answer)
  if (options.json) {
    printJson(context.out, text)
    return exit
  }
  printLogs(context.err, answer)
  if (exit === EXIT_OK) printJson(context.out, extractResult(text))
  printTrouble(context.err, answer)
  printReport(context.err, answer)
  return exit
}
