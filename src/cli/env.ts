import type { Command } from 'commander'
import { ask, path } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { ensureTenant } from './ensure-tenant.ts'
import { at, printJson, textAt } from './json.ts'
import { type TenantOptions, addExample, addTenantOptions } from './options.ts'
import { left, renderTable } from './table.ts'
import { print } from './terminal.ts'

const SET_EXAMPLE = 'cloister env set GREETING hello --tenant ann'

/** `cloister env`: plain configuration of a tenant, which its code sees as `context.env`. */
export function registerEnv(program: Command, context: Context): void {
  const group = program
    .command('env')
    .summary('set plain configuration')
    .description('Plain configuration of a tenant, which its code sees as context.env. Not for secrets.')
  addExample(group, SET_EXAMPLE)
  const list = group.command('list', { isDefault: true }).description('Lists the variables.')
  addTenantOptions(list, 'cloister env list --tenant ann').action((options: TenantOptions) => listAll(options, context))

  const get = group.command('get').description('Prints the value of one.').argument('<name>', 'its name')
  addTenantOptions(get, 'cloister env get GREETING --tenant ann').action((name: string, options: TenantOptions) =>
    getOne(name, options, context),
  )

  const set = group
    .command('set')
    .description('Sets one.')
    .argument('<name>', 'letters, digits and _, a letter first')
    .argument('<value>', 'any text')
  addTenantOptions(set, SET_EXAMPLE).action((name: string, value: string, options: TenantOptions) =>
    setOne(name, value, options, context),
  )

  const unset = group.command('unset').description('Removes one.').argument('<name>', 'its name')
  addTenantOptions(unset, 'cloister env unset GREETING --tenant ann').action((name: string, options: TenantOptions) =>
    unsetOne(name, options, context),
  )
}

async function listAll({ tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/env`)
  if (options.json) return printJson(context.out, answer)
  const rows = Object.entries((at(JSON.parse(answer), 'env') ?? {}) as object).map(([name, value]) => [
    name,
    String(value),
  ])
  if (rows.length === 0)
    return print(context.err, `${tenant} has no variables; set one with: cloister env set NAME VALUE`)
  print(context.out, renderTable(context.out, [left('name'), left('value')], rows))
}

async function getOne(name: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/env/${name}`)
  if (options.json) printJson(context.out, answer)
  else print(context.out, textAt(JSON.parse(answer), 'value') ?? '')
}

async function setOne(name: string, value: string, options: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ensureTenant(connection, { tenant: options.tenant }, context)
  await ask(connection, 'PUT', path`/v1/tenants/${options.tenant}/env/${name}`, { body: JSON.stringify({ value }) })
  if (options.json) print(context.out, JSON.stringify({ set: name }))
  else print(context.err, `set ${name}`)
}

async function unsetOne(name: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'DELETE', path`/v1/tenants/${tenant}/env/${name}`)
  if (options.json) print(context.out, JSON.stringify({ unset: name }))
  else print(context.err, `unset ${name}`)
}
