import type { Command } from 'commander'
import { ask, path } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { listAt, numberAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addExample, addTenantOptions } from './options.ts'
import { left, renderTable } from './table.ts'
import { print } from './terminal.ts'

const LIST_EXAMPLE = 'cloister users list --tenant ann'
const USERS = ['id', 'name', 'created'].map((title) => left(title))
const SESSIONS = ['id', 'created', 'expires'].map((title) => left(title))

interface ListOptions extends TenantOptions {
  readonly after?: string
}

/** `cloister users`: users of a tenant's application. */
export function registerUsers(program: Command, context: Context): void {
  const group = program
    .command('users')
    .summary('look at users of an application')
    .description('Lists and deletes users of a tenant’s application, and ends their sessions.')
  addExample(group, LIST_EXAMPLE)
  const list = group
    .command('list', { isDefault: true })
    .description('Lists the first hundred users by id; never their passwords.')
    .option('--after <id>', 'continue after the user of this id')
  addTenantOptions(list, LIST_EXAMPLE).action(({ after, tenant, ...options }: ListOptions) => {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
    return show(path`/v1/tenants/${tenant}/users` + query, 'users', { tenant, ...options }, context)
  })
  const sessions = group.command('sessions').description('Lists the sessions of a user.').argument('<id>', 'usr_…')
  addTenantOptions(sessions, 'cloister users sessions usr_… --tenant ann').action(
    (id: string, options: TenantOptions) =>
      show(path`/v1/tenants/${options.tenant}/users/${id}/sessions`, 'sessions', options, context),
  )
  const revoke = group.command('revoke').description('Ends all sessions of a user.').argument('<id>', 'usr_…')
  addTenantOptions(revoke, 'cloister users revoke usr_… --tenant ann').action((id: string, options: TenantOptions) =>
    revokeSessions(id, options, context),
  )
  const remove = group.command('delete').description('Deletes a user.').argument('<id>', 'usr_…')
  addTenantOptions(remove, 'cloister users delete usr_… --tenant ann').action((id: string, options: TenantOptions) =>
    deleteUser(id, options, context),
  )
}

async function show(
  target: string,
  what: 'users' | 'sessions',
  options: TenantOptions,
  context: Context,
): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', target)
  if (options.json) return printJson(context.out, answer)
  const [columns, fields] =
    what === 'users' ? [USERS, ['id', 'name', 'createdAt']] : [SESSIONS, ['id', 'createdAt', 'expiresAt']]
  const rows = listAt(JSON.parse(answer), what).map((item) => fields.map((field) => textAt(item, field) ?? ''))
  if (rows.length > 0) print(context.out, renderTable(context.out, columns, rows))
  else print(context.err, `there are no ${what}`)
}

async function revokeSessions(id: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'DELETE', path`/v1/tenants/${tenant}/users/${id}/sessions`)
  if (options.json) printJson(context.out, answer)
  else print(context.err, `ended ${numberAt(JSON.parse(answer), 'revoked') ?? 0} sessions of ${id}`)
}

async function deleteUser(id: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'DELETE', path`/v1/tenants/${tenant}/users/${id}`)
  if (options.json) print(context.out, JSON.stringify({ deleted: id }))
  else print(context.err, `deleted ${id} of ${tenant}`)
}
