import type { Command } from 'commander'
import { ask, path } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { at, listAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addExample, addTenantOptions } from './options.ts'
import { readText } from './source.ts'
import { left, renderTable } from './table.ts'
import { print } from './terminal.ts'

interface SetOptions extends TenantOptions {
  readonly host: readonly string[]
}

const SET_EXAMPLE = 'cloister secrets set STRIPE_KEY stripe.key --host api.stripe.com --tenant ann'
const COLUMNS = ['name', 'hosts', 'changed'].map((title) => left(title))

/** `cloister secrets`: what a tenant's code sends to services and never has itself. */
export function registerSecrets(program: Command, context: Context): void {
  const group = program
    .command('secrets')
    .summary('keep secrets')
    .description('Keeps secrets that a tenant’s code sends to the hosts they are bound to, and never has itself.')
  addExample(group, SET_EXAMPLE)
  const list = group
    .command('list', { isDefault: true })
    .description('Lists the secrets of a tenant with their hosts; never their values.')
  addTenantOptions(list, 'cloister secrets list --tenant ann').action((options: TenantOptions) =>
    listSecrets(options, context),
  )

  const set = group
    .command('set')
    .description('Stores a secret, or another value and other hosts of it.')
    .argument('<name>', '1 to 63 of A-Z, 0-9 and _, a letter first')
    .argument('<file>', 'holds the value, without a line break at its end; - is standard input')
    .requiredOption('--host <hosts...>', 'where it may be sent: api.example.com, *.example.com, host:8443, http://host')
  addTenantOptions(set, SET_EXAMPLE).action((name: string, file: string, options: SetOptions) =>
    setSecret(name, file, options, context),
  )

  const remove = group.command('delete').description('Deletes a secret.').argument('<name>', 'its name')
  addTenantOptions(remove, 'cloister secrets delete STRIPE_KEY --tenant ann').action(
    (name: string, options: TenantOptions) => deleteSecret(name, options, context),
  )
}

async function listSecrets({ tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/secrets`)
  if (options.json) return printJson(context.out, answer)
  const rows = listAt(JSON.parse(answer), 'secrets').map(toRow)
  if (rows.length > 0) return print(context.out, renderTable(context.out, COLUMNS, rows))
  print(
    context.err,
    `${tenant} has no secrets; store one with: cloister secrets set NAME FILE --host HOST --tenant ${tenant}`,
  )
}

/** From a file, because what stands on a command line can be read by everybody on the machine. */
async function setSecret(
  name: string,
  file: string,
  { tenant, host: hosts, ...options }: SetOptions,
  context: Context,
): Promise<void> {
  // Editors and `echo` end a file with a line break that nobody means.
  const value = (await readText(file, context)).replace(/\r?\n$/, '')
  await using connection = await connect(options, context)
  const body = JSON.stringify({ value, hosts })
  const answer = await ask(connection, 'PUT', path`/v1/tenants/${tenant}/secrets/${name}`, { body })
  if (options.json) printJson(context.out, answer)
  else print(context.out, renderTable(context.out, COLUMNS, [toRow(JSON.parse(answer))]))
}

async function deleteSecret(name: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'DELETE', path`/v1/tenants/${tenant}/secrets/${name}`)
  if (options.json) print(context.out, JSON.stringify({ deleted: name }))
  else print(context.err, `deleted ${name} of ${tenant}`)
}

function toRow(secret: unknown): readonly string[] {
  const hosts = at(secret, 'hosts')
  return [textAt(secret, 'name') ?? '', Array.isArray(hosts) ? hosts.join(', ') : '', textAt(secret, 'updatedAt') ?? '']
}
