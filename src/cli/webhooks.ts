import type { Command } from 'commander'
import { ask, path } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { ensureTenant } from './ensure-tenant.ts'
import { at, listAt, numberAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addExample, addTenantOptions } from './options.ts'
import { EXIT_REFUSED } from './stop.ts'
import { left, renderTable, right } from './table.ts'
import { print } from './terminal.ts'

interface PutOptions extends TenantOptions {
  readonly events?: string
  readonly allowPrivate?: boolean
}

const PUT_EXAMPLE = 'cloister webhooks put alerts https://example.com/hook --tenant ann'
const COLUMNS = ['name', 'url', 'events', 'changed'].map((title) => left(title))
const DELIVERY_COLUMNS = [left('id'), left('type'), left('state'), right('attempts'), left('created'), left('error')]

/** `cloister webhooks`: where a tenant is told of what happens to its spend. */
export function registerWebhooks(program: Command, context: Context): void {
  const group = program
    .command('webhooks')
    .summary('be told of spend')
    .description('Posts signed events about budgets and unusual spend to addresses of a tenant.')
  addExample(group, PUT_EXAMPLE)
  const list = group.command('list', { isDefault: true }).description('Lists webhooks; never their secrets.')
  addTenantOptions(list, 'cloister webhooks list --tenant ann').action((options: TenantOptions) =>
    listWebhooks(options, context),
  )

  const put = group
    .command('put')
    .description('Sets a webhook, or changes one. A new one’s secret is printed once.')
    .argument('<name>', '1 to 63 of a-z, 0-9 and -, a letter first')
    .argument('<url>', 'where events are posted to')
    .option('--events <list>', 'budget.warning, spend.anomaly or both with a comma')
    .option('--allow-private', 'it may be an address that is not public (administrator only)')
  addTenantOptions(put, PUT_EXAMPLE).action((name: string, url: string, options: PutOptions) =>
    putWebhook({ name, url }, options, context),
  )

  const deliveries = group
    .command('deliveries')
    .description('Lists what was sent, or is to be, the newest first.')
    .argument('<name>', 'its name')
  addTenantOptions(deliveries, 'cloister webhooks deliveries alerts --tenant ann').action(
    (name: string, options: TenantOptions) => listDeliveries(name, options, context),
  )

  const test = group.command('test').description('Sends one event and says what came of it.').argument('<name>')
  addTenantOptions(test, 'cloister webhooks test alerts --tenant ann').action((name: string, options: TenantOptions) =>
    testWebhook(name, options, context),
  )

  const remove = group.command('delete').description('Deletes a webhook.').argument('<name>', 'its name')
  addTenantOptions(remove, 'cloister webhooks delete alerts --tenant ann').action(
    (name: string, options: TenantOptions) => deleteWebhook(name, options, context),
  )
}

async function listWebhooks({ tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/webhooks`)
  if (options.json) return printJson(context.out, answer)
  const rows = listAt(JSON.parse(answer), 'webhooks').map(toRow)
  if (rows.length > 0) return print(context.out, renderTable(context.out, COLUMNS, rows))
  print(context.err, `${tenant} has no webhooks; set one with: cloister webhooks put NAME URL --tenant ${tenant}`)
}

async function putWebhook(
  { name, url }: { readonly name: string; readonly url: string },
  { tenant, events, allowPrivate, ...options }: PutOptions,
  context: Context,
): Promise<void> {
  await using connection = await connect(options, context)
  await ensureTenant(connection, { tenant }, context)
  const body = JSON.stringify({
    url,
    ...(events !== undefined && { events: events.split(',').map((each) => each.trim()) }),
    ...(allowPrivate && { allowPrivate }),
  })
  const answer = await ask(connection, 'PUT', path`/v1/tenants/${tenant}/webhooks/${name}`, { body })
  if (options.json) return printJson(context.out, answer)
  const webhook: unknown = JSON.parse(answer)
  const secret = textAt(webhook, 'secret')
  if (secret !== undefined) {
    print(context.err, 'Its requests are signed with this secret, which is not shown again:')
    print(context.out, secret)
  } else print(context.out, renderTable(context.out, COLUMNS, [toRow(webhook)]))
}

async function listDeliveries(name: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/webhooks/${name}/deliveries`)
  if (options.json) return printJson(context.out, answer)
  const rows = listAt(JSON.parse(answer), 'deliveries').map((each) => [
    textAt(each, 'id') ?? '',
    textAt(each, 'type') ?? '',
    textAt(each, 'state') ?? '',
    String(numberAt(each, 'attempts') ?? 0),
    textAt(each, 'createdAt') ?? '',
    textAt(each, 'lastError') ?? '',
  ])
  if (rows.length > 0) return print(context.out, renderTable(context.out, DELIVERY_COLUMNS, rows))
  print(context.err, `nothing was sent to ${name} yet`)
}

async function testWebhook(name: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'POST', path`/v1/tenants/${tenant}/webhooks/${name}/test`)
  const trial: unknown = JSON.parse(answer)
  const isGood = at(trial, 'ok') === true
  if (!isGood) context.finish(EXIT_REFUSED)
  if (options.json) return printJson(context.out, answer)
  const elapsed = `${numberAt(trial, 'elapsedMs') ?? 0} ms`
  if (isGood) print(context.out, `answered ${numberAt(trial, 'status') ?? ''} in ${elapsed}`)
  else print(context.err, `not delivered, after ${elapsed}: ${textAt(trial, 'reason') ?? ''}`)
}

async function deleteWebhook(name: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'DELETE', path`/v1/tenants/${tenant}/webhooks/${name}`)
  if (options.json) print(context.out, JSON.stringify({ deleted: name }))
  else print(context.err, `deleted the webhook ${name} of ${tenant}`)
}

function toRow(webhook: unknown): readonly string[] {
  const text = (field: string): string => textAt(webhook, field) ?? ''
  return [text('name'), text('url'), listAt(webhook, 'events').join(', '), text('updatedAt')]
}
