import { type Command, Option } from 'commander'
import { EXECUTION_STATUSES } from '../core/durable.ts'
import { ask, path, withQuery } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { ABSENT, formatCount, formatTime } from './format.ts'
import { listAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addTenantOptions, parseWhole } from './options.ts'
import { readInput } from './run-input.ts'
import { left, renderTable, right } from './table.ts'
import { print, printable } from './terminal.ts'

interface InputOptions extends TenantOptions {
  readonly input?: string
  readonly inputFile?: string
}

interface ListOptions extends TenantOptions {
  readonly status?: string
  readonly function?: string
  readonly before?: string
  readonly limit?: number
}

/** `cloister executions`: durable functions, started, looked at, given events, cancelled. */
export function registerExecutions(program: Command, context: Context): void {
  const command = program
    .command('executions')
    .summary('start and look after executions of durable functions')
    .description('Starts executions of durable functions, shows how they stand, gives them events and cancels them.')
  const begin = command.command('start').description('Starts an execution.').argument('<name>', 'the function')
  begin
    .addOption(new Option('--input <json>', 'what the function gets as input').conflicts('inputFile'))
    .option('--input-file <file>', 'a file with the input; - for standard input')
  addTenantOptions(begin, `cloister executions start order --input '{"id":7}'`).action(
    (name: string, options: InputOptions) => start(name, options, context),
  )
  const list = command
    .command('list')
    .description('Lists executions, newest first.')
    .addOption(new Option('--status <status>', 'only those that stand so').choices(EXECUTION_STATUSES))
    .option('--function <name>', 'only those of this function')
    .option('--before <id>', 'continue after this one, the last of a page')
    .option('--limit <count>', 'at most so many', parseWhole)
  addTenantOptions(list, 'cloister executions list --status suspended').action((options: ListOptions) =>
    listExecutions(options, context),
  )
  const show = command.command('show').description('Shows an execution and its steps.').argument('<id>')
  addTenantOptions(show, 'cloister executions show run_…').action((id: string, options: TenantOptions) =>
    showExecution(id, options, context),
  )
  const send = command
    .command('send')
    .description('Gives an execution an event that it waits for, or is going to.')
    .argument('<id>')
    .argument('<event>')
  send
    .addOption(new Option('--input <json>', 'what the event brings').conflicts('inputFile'))
    .option('--input-file <file>', 'a file with that; - for standard input')
  addTenantOptions(send, `cloister executions send run_… paid --input '{"cents":500}'`).action(
    (id: string, event: string, options: InputOptions) => sendEvent(id, event, options, context),
  )
  const cancel = command.command('cancel').description('Ends an execution.').argument('<id>')
  addTenantOptions(cancel, 'cloister executions cancel run_…').action((id: string, options: TenantOptions) =>
    cancelExecution(id, options, context),
  )
}

async function start(name: string, options: InputOptions, context: Context): Promise<void> {
  const input = await readInput(options, context)
  await using connection = await connect(options, context)
  const address = path`/v1/tenants/${options.tenant}/functions/${name}/executions`
  const answer = await ask(connection, 'POST', address, { body: input === undefined ? '{}' : `{"input":${input}}` })
  if (options.json) return printJson(context.out, answer)
  const id = textAt(JSON.parse(answer), 'executionId') ?? ''
  print(context.out, id)
  print(context.err, `next: cloister executions show ${id}`)
}

async function listExecutions({ tenant, ...options }: ListOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const { status, function: name, before, limit } = options
  const query = { status, function: name, before, limit: limit === undefined ? undefined : String(limit) }
  const answer = await ask(connection, 'GET', withQuery(path`/v1/tenants/${tenant}/executions`, query))
  if (options.json) return printJson(context.out, answer)
  const columns = [left('execution'), left('function'), right('version'), left('status'), right('runs'), left('due')]
  const rows = listAt(JSON.parse(answer), 'executions').map((each) => [
    textAt(each, 'id') ?? '',
    textAt(each, 'function') ?? '',
    textAt(each, 'version') ?? '',
    textAt(each, 'status') ?? '',
    formatCount(textAt(each, 'runs')),
    dueOf(each),
  ])
  print(context.out, renderTable(context.out, columns, rows))
}

async function showExecution(id: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/executions/${id}`)
  if (options.json) return printJson(context.out, answer)
  const found: unknown = JSON.parse(answer)
  const { out } = context
  const name = `${textAt(found, 'function')} version ${textAt(found, 'version')}`
  print(out, `${textAt(found, 'status')}  ${name}  ${textAt(found, 'runs')} runs  due ${dueOf(found)}`)
  const message = textAt(found, 'error', 'message')
  const code = textAt(found, 'error', 'code') ?? textAt(found, 'error', 'name')
  if (message !== undefined) print(out, printable(out, `${code}: ${message}`))
  const columns = [left('step'), left('kind'), left('state'), right('tries'), left('due'), left('written')]
  const rows = listAt(found, 'steps').map((step) => [
    printable(out, textAt(step, 'id') ?? ''),
    textAt(step, 'kind') ?? '',
    textAt(step, 'state') ?? '',
    textAt(step, 'tries') ?? '',
    dueOf(step),
    formatTime(textAt(step, 'at')),
  ])
  if (rows.length > 0) print(out, renderTable(out, columns, rows))
}

async function sendEvent(id: string, event: string, options: InputOptions, context: Context): Promise<void> {
  const payload = await readInput(options, context)
  await using connection = await connect(options, context)
  const address = path`/v1/tenants/${options.tenant}/executions/${id}/events/${event}`
  await ask(connection, 'POST', address, { body: payload === undefined ? '{}' : `{"payload":${payload}}` })
  if (!options.json) print(context.out, `execution ${id} has event ${event}`)
}

async function cancelExecution(id: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'POST', path`/v1/tenants/${tenant}/executions/${id}/cancel`)
  if (!options.json) print(context.out, `execution ${id} is cancelled`)
}

function dueOf(value: unknown): string {
  const due = textAt(value, 'dueAt')
  return due === undefined ? ABSENT : formatTime(due)
}
