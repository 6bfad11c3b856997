import type { Command } from 'commander'
import { ask, path } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { ensureTenant } from './ensure-tenant.ts'
import { at, listAt, numberAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addExample, addTenantOptions } from './options.ts'
import { readText } from './source.ts'
import { EXIT_REFUSED } from './stop.ts'
import { left, renderTable } from './table.ts'
import { print } from './terminal.ts'

const PUT_EXAMPLE = 'cloister sql put default database.url --tenant ann'
const COLUMNS = ['name', 'host', 'database', 'user', 'sslmode', 'bound by'].map((title) => left(title))

/** `cloister sql`: the databases of a tenant. */
export function registerSql(program: Command, context: Context): void {
  const group = program
    .command('sql')
    .summary('bind databases')
    .description('Binds names that a tenant’s code uses to PostgreSQL databases.')
  addExample(group, PUT_EXAMPLE)
  const list = group
    .command('list', { isDefault: true })
    .description('Lists the databases of a tenant; never their passwords.')
  addTenantOptions(list, 'cloister sql list --tenant ann').action((options: TenantOptions) =>
    listDatabases(options, context),
  )

  const put = group
    .command('put')
    .description('Binds a name to a database, or to another one. `default` is the one of `context.sql` itself.')
    .argument('<name>', '1 to 63 of a-z, 0-9 and -, a letter first')
    .argument('<file>', 'holds postgres://user:password@host:5432/database; - is standard input')
  addTenantOptions(put, PUT_EXAMPLE).action((name: string, file: string, options: TenantOptions) =>
    putDatabase(name, file, options, context),
  )

  const test = group
    .command('test')
    .description('Connects to a database once and says what came of it.')
    .argument('<name>', 'its name')
  addTenantOptions(test, 'cloister sql test default --tenant ann').action((name: string, options: TenantOptions) =>
    testDatabase(name, options, context),
  )

  const remove = group.command('delete').description('Unbinds a name.').argument('<name>', 'its name')
  addTenantOptions(remove, 'cloister sql delete default --tenant ann').action((name: string, options: TenantOptions) =>
    deleteDatabase(name, options, context),
  )
}

async function listDatabases({ tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/sql`)
  if (options.json) return printJson(context.out, answer)
  const rows = listAt(JSON.parse(answer), 'databases').map(toRow)
  if (rows.length > 0) return print(context.out, renderTable(context.out, COLUMNS, rows))
  print(context.err, `${tenant} has no databases; bind one with: cloister sql put default FILE --tenant ${tenant}`)
}

/** From a file, because what stands on a command line can be read by everybody on the machine. */
async function putDatabase(
  name: string,
  file: string,
  { tenant, ...options }: TenantOptions,
  context: Context,
): Promise<void> {
  const url = (await readText(file, context)).trim()
  await using connection = await connect(options, context)
  await ensureTenant(connection, { tenant }, context)
  const body = JSON.stringify({ url })
  const answer = await ask(connection, 'PUT', path`/v1/tenants/${tenant}/sql/${name}`, { body })
  if (options.json) printJson(context.out, answer)
  else print(context.out, renderTable(context.out, COLUMNS, [toRow(JSON.parse(answer))]))
}

async function testDatabase(name: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'POST', path`/v1/tenants/${tenant}/sql/${name}/test`)
  const trial: unknown = JSON.parse(answer)
  const isGood = at(trial, 'ok') === true
  if (!isGood) context.finish(EXIT_REFUSED)
  if (options.json) return printJson(context.out, answer)
  const elapsed = `${numberAt(trial, 'elapsedMs') ?? 0} ms`
  if (isGood) print(context.out, `PostgreSQL ${textAt(trial, 'server') ?? ''}, reached in ${elapsed}`)
  else print(context.err, `not reached, after ${elapsed}: ${textAt(trial, 'reason') ?? ''}`)
}

async function deleteDatabase(name: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'DELETE', path`/v1/tenants/${tenant}/sql/${name}`)
  if (options.json) print(context.out, JSON.stringify({ deleted: name }))
  else print(context.err, `unbound ${name} of ${tenant}`)
}

function toRow(database: unknown): readonly string[] {
  const text = (field: string): string => textAt(database, field) ?? ''
  const address = `${text('host')}:${numberAt(database, 'port') ?? ''}`
  return [text('name'), address, text('database'), text('user'), text('sslmode'), text('boundBy')]
}
