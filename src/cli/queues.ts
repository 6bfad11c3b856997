import type { Command } from 'commander'
import { ask, path, withQuery } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { ensureTenant } from './ensure-tenant.ts'
import { formatBytes, formatCount, formatTime } from './format.ts'
import { at, listAt, numberAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addExample, addTenantOptions, parseWhole } from './options.ts'
import { parseJsonArgument, parseSegment } from './segment.ts'
import { left, renderTable, right } from './table.ts'
import { print } from './terminal.ts'

interface SetOptions extends TenantOptions {
  readonly retention?: number
  readonly lease?: number
}

interface SendOptions extends TenantOptions {
  readonly delay?: number
  readonly deduplicationId?: string
  readonly orderingKey?: string
}

interface PeekOptions extends TenantOptions {
  readonly limit?: number
  readonly after?: string
}

const SEND_EXAMPLE = `cloister queues send mail '{"to":"ann@example.com"}' --tenant ann`
const QUEUE = 'the name of the queue'
const COLUMNS = [left('queue'), right('messages'), right('size'), right('kept for'), right('lease')]

/** `cloister queues`: the messages of a tenant that wait to be dealt with. */
export function registerQueues(program: Command, context: Context): void {
  const group = program.command('queues').summary('fill, look at and empty queues').description('Queues of a tenant.')
  addExample(group, SEND_EXAMPLE)
  registerSettings(group, context)
  registerMessages(group, context)
}

function registerSettings(group: Command, context: Context): void {
  const list = group.command('list', { isDefault: true }).description('Lists queues, with how much is in each.')
  addTenantOptions(list, 'cloister queues list --tenant ann').action((options: TenantOptions) =>
    listQueues(options, context),
  )

  const set = group
    .command('set')
    .description('Creates a queue, or changes what is given of its settings.')
    .argument('<queue>', QUEUE, parseSegment)
    .option('--retention <seconds>', 'a message goes after so long: 60 to 1209600', parseWhole)
    .option('--lease <seconds>', 'how long a claimed message is nobody else’s: 1 to 43200', parseWhole)
  addTenantOptions(set, 'cloister queues set mail --lease 60 --tenant ann').action(
    (name: string, options: SetOptions) => setQueue(name, options, context),
  )

  const remove = group
    .command('delete')
    .description('Deletes a queue with its messages.')
    .argument('<queue>', QUEUE, parseSegment)
  addTenantOptions(remove, 'cloister queues delete mail --tenant ann').action((name: string, options: TenantOptions) =>
    deleteQueue(name, options, context),
  )
}

function registerMessages(group: Command, context: Context): void {
  const send = group
    .command('send')
    .description('Sends a message. A queue that is not there is created.')
    .argument('<queue>', QUEUE, parseSegment)
    .argument('<json>', 'the message', parseJsonArgument)
    .option('--delay <seconds>', 'nobody gets it before: 0 to 43200', parseWhole)
    .option('--deduplication-id <id>', 'a second one with it within five minutes is not sent')
    .option('--ordering-key <key>', 'messages with it are dealt with in their order')
  addTenantOptions(send, SEND_EXAMPLE).action((name: string, body: string, options: SendOptions) =>
    sendMessage(name, body, options, context),
  )

  const peek = group
    .command('peek')
    .description('Looks at messages in the order in which they were sent, and changes nothing.')
    .argument('<queue>', QUEUE, parseSegment)
    .option('--limit <count>', 'messages of a page: 1 to 100, 10 if absent', parseWhole)
    .option('--after <id>', 'go on after the message of this id')
  addTenantOptions(peek, 'cloister queues peek mail --tenant ann').action((name: string, options: PeekOptions) =>
    peekMessages(name, options, context),
  )

  const purge = group
    .command('purge')
    .description('Removes every message of a queue.')
    .argument('<queue>', QUEUE, parseSegment)
  addTenantOptions(purge, 'cloister queues purge mail --tenant ann').action((name: string, options: TenantOptions) =>
    purgeQueue(name, options, context),
  )
}

async function listQueues({ tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/queues`)
  if (options.json) return printJson(context.out, answer)
  const rows = listAt(JSON.parse(answer), 'queues').map(toRow)
  if (rows.length > 0) print(context.out, renderTable(context.out, COLUMNS, rows))
  else print(context.err, 'no queues')
}

async function setQueue(
  name: string,
  { tenant, retention, lease, ...options }: SetOptions,
  context: Context,
): Promise<void> {
  const body = {
    ...(retention !== undefined && { retentionSeconds: retention }),
    ...(lease !== undefined && { leaseSeconds: lease }),
  }
  await using connection = await connect(options, context)
  await ensureTenant(connection, { tenant }, context)
  const address = path`/v1/tenants/${tenant}/queues/${name}`
  const answer = await ask(connection, 'PUT', address, { body: JSON.stringify(body) })
  if (options.json) return printJson(context.out, answer)
  print(context.out, renderTable(context.out, COLUMNS, [toRow(JSON.parse(answer))]))
}

async function deleteQueue(name: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'DELETE', path`/v1/tenants/${tenant}/queues/${name}`)
  if (options.json) print(context.out, JSON.stringify({ deleted: name }))
  else print(context.err, `deleted ${name}`)
}

async function sendMessage(name: string, json: string, options: SendOptions, context: Context): Promise<void> {
  const { tenant, delay, deduplicationId, orderingKey, ...common } = options
  const message = {
    body: JSON.parse(json) as unknown,
    ...(delay !== undefined && { delaySeconds: delay }),
    ...(deduplicationId !== undefined && { deduplicationId }),
    ...(orderingKey !== undefined && { orderingKey }),
  }
  await using connection = await connect(common, context)
  await ensureTenant(connection, { tenant }, context)
  const address = path`/v1/tenants/${tenant}/queues/${name}/messages`
  const answer = await ask(connection, 'POST', address, { body: JSON.stringify(message) })
  if (common.json) return printJson(context.out, answer)
  const sent: unknown = JSON.parse(answer)
  const verb = at(sent, 'duplicate') === true ? 'was sent before as' : 'sent'
  print(context.err, `${verb} ${textAt(sent, 'id') ?? ''}`)
}

async function peekMessages(
  name: string,
  { tenant, limit, after, ...options }: PeekOptions,
  context: Context,
): Promise<void> {
  await using connection = await connect(options, context)
  const query = { after, limit: limit === undefined ? undefined : String(limit) }
  const answer = await ask(connection, 'GET', withQuery(path`/v1/tenants/${tenant}/queues/${name}/messages`, query))
  if (options.json) return printJson(context.out, answer)
  const rows = listAt(JSON.parse(answer), 'messages').map((message) => [
    textAt(message, 'id') ?? '',
    formatTime(textAt(message, 'sentAt')),
    formatTime(textAt(message, 'visibleAt')),
    formatCount(numberAt(message, 'attempts')),
    JSON.stringify(at(message, 'body')),
  ])
  if (rows.length === 0) return print(context.err, 'no messages')
  const columns = [left('id'), left('sent'), left('due'), right('attempts'), left('body')]
  print(context.out, renderTable(context.out, columns, rows))
}

async function purgeQueue(name: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'DELETE', path`/v1/tenants/${tenant}/queues/${name}/messages`)
  if (options.json) return printJson(context.out, answer)
  print(context.err, `removed ${formatCount(numberAt(JSON.parse(answer), 'purged'))} messages of ${name}`)
}

function toRow(queue: unknown): readonly string[] {
  return [
    textAt(queue, 'name') ?? '',
    formatCount(numberAt(queue, 'messages')),
    formatBytes(numberAt(queue, 'bytes')),
    `${formatCount(numberAt(queue, 'retentionSeconds'))} s`,
    `${formatCount(numberAt(queue, 'leaseSeconds'))} s`,
  ]
}
