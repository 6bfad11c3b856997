import type { Command } from 'commander'
import { ask, path, withQuery } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { ensureTenant } from './ensure-tenant.ts'
import { formatTime } from './format.ts'
import { at, indentJson, listAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addExample, addTenantOptions, parseWhole } from './options.ts'
import { parseJsonArgument, parseSegment } from './segment.ts'
import { EXIT_USAGE, Stop } from './stop.ts'
import { left, renderTable } from './table.ts'
import { print } from './terminal.ts'

interface PutOptions extends TenantOptions {
  readonly text?: true
  readonly ttl?: number
  readonly metadata?: string
}

interface ListOptions extends TenantOptions {
  readonly prefix?: string
  readonly limit?: number
  readonly cursor?: string
}

const PUT_EXAMPLE = `cloister kv put greeting '{"hello":"ann"}' --tenant ann --ttl 3600`

/** `cloister kv`: the key-value data of a tenant. */
export function registerKv(program: Command, context: Context): void {
  const group = program
    .command('kv')
    .summary('read and write key-value data')
    .description('Key-value data of a tenant.')
  addExample(group, PUT_EXAMPLE)

  const list = group
    .command('list', { isDefault: true })
    .description('Lists keys.')
    .option('--prefix <text>', 'only keys that start with it')
    .option('--limit <count>', 'keys of a page: 1 to 1000, 100 if absent', parseWhole)
    .option('--cursor <cursor>', 'where the page before ended')
  addTenantOptions(list, 'cloister kv list --tenant ann --prefix user/').action((options: ListOptions) =>
    listKeys(options, context),
  )

  const get = group.command('get').description('Prints a value as JSON.').argument('<key>', 'its key', parseSegment)
  addTenantOptions(get, 'cloister kv get greeting --tenant ann').action((key: string, options: TenantOptions) =>
    getKey(key, options, context),
  )

  const put = group
    .command('put')
    .description('Writes a value.')
    .argument('<key>', 'its key', parseSegment)
    .argument('<value>', 'JSON, or any text with --text')
    .option('--text', 'store the value as a text, as it stands')
    .option('--ttl <seconds>', 'let it vanish after so many seconds', parseWhole)
    .option('--metadata <json>', 'JSON that list shows', parseJsonArgument)
  addTenantOptions(put, PUT_EXAMPLE).action((key: string, value: string, options: PutOptions) =>
    putKey(key, value, options, context),
  )

  const remove = group.command('delete').description('Deletes an entry.').argument('<key>', 'its key', parseSegment)
  addTenantOptions(remove, 'cloister kv delete greeting --tenant ann').action((key: string, options: TenantOptions) =>
    deleteKey(key, options, context),
  )
}

async function listKeys({ tenant, prefix, limit, cursor, ...options }: ListOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const query = { prefix, cursor, limit: limit === undefined ? undefined : String(limit) }
  const answer = await ask(connection, 'GET', withQuery(path`/v1/tenants/${tenant}/kv`, query))
  if (options.json) return printJson(context.out, answer)
  const page: unknown = JSON.parse(answer)
  const rows = listAt(page, 'keys').map((entry) => {
    const metadata = at(entry, 'metadata')
    const expires = textAt(entry, 'expiresAt')
    return [
      textAt(entry, 'key') ?? '',
      expires === undefined ? '' : formatTime(expires),
      metadata === undefined ? '' : JSON.stringify(metadata),
    ]
  })
  if (rows.length === 0) return print(context.err, 'no keys')
  print(context.out, renderTable(context.out, [left('key'), left('expires'), left('metadata')], rows))
  const next = textAt(page, 'cursor')
  if (next !== undefined) print(context.err, `there are more; go on with: --cursor ${JSON.stringify(next)}`)
}

async function getKey(key: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/kv/${key}`)
  if (options.json) return printJson(context.out, answer)
  print(context.out, indentJson(JSON.stringify(at(JSON.parse(answer), 'value'))))
}

async function putKey(key: string, value: string, options: PutOptions, context: Context): Promise<void> {
  const { tenant, text, ttl, metadata, ...common } = options
  const body = {
    value: text ? value : jsonOf(value),
    ...(ttl !== undefined && { ttlSeconds: ttl }),
    ...(metadata !== undefined && { metadata: JSON.parse(metadata) as unknown }),
  }
  await using connection = await connect(common, context)
  await ensureTenant(connection, { tenant }, context)
  await ask(connection, 'PUT', path`/v1/tenants/${tenant}/kv/${key}`, { body: JSON.stringify(body) })
  if (common.json) print(context.out, JSON.stringify({ put: key }))
  else print(context.err, `put ${key}`)
}

async function deleteKey(key: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'DELETE', path`/v1/tenants/${tenant}/kv/${key}`)
  if (options.json) print(context.out, JSON.stringify({ deleted: key }))
  else print(context.err, `deleted ${key}`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Stop(`the value is not JSON: ${text.slice(0, 100)}`, {
      exit: EXIT_USAGE,
      next: 'add --text to store it as a text',
    })
  }
}
