import type { Command } from 'commander'
import { ask, path } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { formatTime } from './format.ts'
import { listAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addExample, addTenantOptions } from './options.ts'
import { left, renderTable } from './table.ts'
import { print } from './terminal.ts'

const CREATE_EXAMPLE = 'KEY=$(cloister keys create --tenant ann)'

/** `cloister keys`: the API keys of a tenant. */
export function registerKeys(program: Command, context: Context): void {
  const group = program
    .command('keys')
    .summary('make and revoke keys')
    .description('Makes and revokes API keys of a tenant.')
  addExample(group, CREATE_EXAMPLE)
  const list = group
    .command('list', { isDefault: true })
    .description('Lists the keys of a tenant; never the keys themselves.')
  addTenantOptions(list, 'cloister keys list --tenant ann').action((options: TenantOptions) =>
    listKeys(options, context),
  )

  const create = group
    .command('create')
    .description('Makes a key and prints it; it is shown this once and never again.')
  addTenantOptions(create, CREATE_EXAMPLE).action((options: TenantOptions) => createKey(options, context))

  const remove = group.command('delete').description('Revokes a key at once.').argument('<id>', 'the id of the key')
  addTenantOptions(remove, 'cloister keys delete 0123456789abcdef --tenant ann').action(
    (id: string, options: TenantOptions) => deleteKey(id, options, context),
  )
}

async function listKeys({ tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/keys`)
  if (options.json) return printJson(context.out, answer)
  const rows = listAt(JSON.parse(answer), 'keys').map((key) => [
    textAt(key, 'id') ?? '',
    formatTime(textAt(key, 'createdAt')),
  ])
  if (rows.length > 0) return print(context.out, renderTable(context.out, [left('id'), left('created')], rows))
  print(context.err, `${tenant} has no keys; make one with: cloister keys create --tenant ${tenant}`)
}

async function createKey({ tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'POST', path`/v1/tenants/${tenant}/keys`)
  if (options.json) return printJson(context.out, answer)
  const key: unknown = JSON.parse(answer)
  print(context.err, `key ${textAt(key, 'id') ?? ''} of ${tenant}; it is shown this once:`)
  print(context.out, textAt(key, 'key') ?? '')
}

async function deleteKey(id: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'DELETE', path`/v1/tenants/${tenant}/keys/${id}`)
  if (options.json) print(context.out, JSON.stringify({ deleted: id }))
  else print(context.err, `deleted key ${id} of ${tenant}`)
}
