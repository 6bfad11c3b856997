import type { Command } from 'commander'
import { ask, path, withQuery } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { formatTime } from './format.ts'
import { at, indentJson, listAt, numberAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addExample, addTenantOptions, parseWhole } from './options.ts'
import { parseJsonArgument, parseSegment } from './segment.ts'
import { left, renderTable, right } from './table.ts'
import { print } from './terminal.ts'

interface ListOptions extends TenantOptions {
  readonly function?: string
  readonly limit?: number
  readonly before?: string
}

interface ReplayOptions extends TenantOptions {
  readonly function?: string
}

/** `cloister dead-letters`: events that were given up. */
export function registerDeadLetters(program: Command, context: Context): void {
  const group = program
    .command('dead-letters')
    .summary('look at events that were given up, mend and replay them')
    .description('Events that their functions did not deal with, however often they were tried.')
  addExample(group, 'cloister dead-letters replay --tenant ann --function thumbnail')

  const list = group
    .command('list', { isDefault: true })
    .description('Lists them, newest first.')
    .option('--function <name>', 'only those of this function')
    .option('--limit <count>', 'letters of a page: 1 to 1000, 100 if absent', parseWhole)
    .option('--before <id>', 'go on after this one')
  addTenantOptions(list, 'cloister dead-letters list --tenant ann').action((options: ListOptions) =>
    listLetters(options, context),
  )

  const show = group.command('show').description('Prints one as JSON.').argument('<id>', 'its id', parseSegment)
  addTenantOptions(show, 'cloister dead-letters show dead_… --tenant ann').action(
    (id: string, options: TenantOptions) => showLetter(id, options, context),
  )

  const edit = group
    .command('edit')
    .description('Gives one another input, before it is replayed.')
    .argument('<id>', 'its id', parseSegment)
    .argument('<input>', 'JSON', parseJsonArgument)
  addTenantOptions(edit, `cloister dead-letters edit dead_… '{"n":1}' --tenant ann`).action(
    (id: string, input: string, options: TenantOptions) => editLetter(id, input, options, context),
  )

  const remove = group.command('delete').description('Deletes one.').argument('<id>', 'its id', parseSegment)
  addTenantOptions(remove, 'cloister dead-letters delete dead_… --tenant ann').action(
    (id: string, options: TenantOptions) => deleteLetter(id, options, context),
  )

  const replay = group
    .command('replay')
    .description('Makes events of them again: of one, or of all.')
    .argument('[id]', 'this one; all if absent', parseSegment)
    .option('--function <name>', 'only those of this function')
  addTenantOptions(replay, 'cloister dead-letters replay --tenant ann --function thumbnail').action(
    (id: string | undefined, options: ReplayOptions) => replayLetters(id, options, context),
  )
}

async function listLetters(given: ListOptions, context: Context): Promise<void> {
  const { tenant, function: name, limit, before, ...options } = given
  await using connection = await connect(options, context)
  const query = { function: name, before, limit: limit === undefined ? undefined : String(limit) }
  const answer = await ask(connection, 'GET', withQuery(path`/v1/tenants/${tenant}/dead-letters`, query))
  if (options.json) return printJson(context.out, answer)
  const page: unknown = JSON.parse(answer)
  const rows = listAt(page, 'deadLetters').map((letter) => [
    textAt(letter, 'id') ?? '',
    textAt(letter, 'function') ?? '',
    textAt(letter, 'queue') ?? textAt(letter, 'trigger') ?? '',
    String(numberAt(letter, 'attempts') ?? 0),
    formatTime(textAt(letter, 'failedAt') ?? ''),
    `${textAt(letter, 'error', 'code') ?? ''}: ${textAt(letter, 'error', 'message') ?? ''}`.slice(0, 80),
  ])
  if (rows.length === 0) return print(context.err, 'no dead letters')
  const columns = [left('id'), left('function'), left('from'), right('attempts'), left('failed'), left('error')]
  print(context.out, renderTable(context.out, columns, rows))
  const next = textAt(page, 'next')
  if (next !== undefined) print(context.err, `there are more; go on with: --before ${next}`)
}

async function showLetter(id: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/dead-letters/${id}`)
  if (options.json) return printJson(context.out, answer)
  print(context.out, indentJson(answer))
}

async function editLetter(
  id: string,
  input: string,
  { tenant, ...options }: TenantOptions,
  context: Context,
): Promise<void> {
  await using connection = await connect(options, context)
  const body = `{"input":${input}}`
  await ask(connection, 'PATCH', path`/v1/tenants/${tenant}/dead-letters/${id}`, { body })
  if (options.json) print(context.out, JSON.stringify({ edited: id }))
  else print(context.err, `edited ${id}`)
}

async function deleteLetter(id: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'DELETE', path`/v1/tenants/${tenant}/dead-letters/${id}`)
  if (options.json) print(context.out, JSON.stringify({ deleted: id }))
  else print(context.err, `deleted ${id}`)
}

async function replayLetters(id: string | undefined, given: ReplayOptions, context: Context): Promise<void> {
  const { tenant, function: name, ...options } = given
  await using connection = await connect(options, context)
  const address =
    id === undefined
      ? withQuery(path`/v1/tenants/${tenant}/dead-letters/replay`, { function: name })
      : path`/v1/tenants/${tenant}/dead-letters/${id}/replay`
  const answer = await ask(connection, 'POST', address)
  if (options.json) return printJson(context.out, answer)
  const told: unknown = JSON.parse(answer)
  print(context.err, `replayed ${numberAt(told, 'replayed') ?? 0}`)
  if (at(told, 'refused') !== undefined) print(context.err, `the others stay: ${textAt(told, 'refused') ?? ''}`)
}
