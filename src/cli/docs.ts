import type { Command } from 'commander'
import { ask, path, withQuery } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { ensureTenant } from './ensure-tenant.ts'
import { formatCount } from './format.ts'
import { at, listAt, numberAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addExample, addTenantOptions, parseWhole } from './options.ts'
import { parseJsonArgument, parseSegment } from './segment.ts'
import { left, renderTable, right } from './table.ts'
import { print } from './terminal.ts'

interface FindOptions extends TenantOptions {
  readonly where?: string
  readonly sort?: string
  readonly limit?: number
  readonly cursor?: string
}

interface WriteOptions extends TenantOptions {
  readonly id?: string
  readonly ifVersion?: number
}

const FIND_EXAMPLE = `cloister docs find orders --tenant ann --where '{"total":{"gte":10}}' --sort -total`
const COLLECTION = 'the name of the collection'

/** `cloister docs`: the documents of a tenant. */
export function registerDocs(program: Command, context: Context): void {
  const group = program.command('docs').summary('read and write documents').description('Documents of a tenant.')
  addExample(group, FIND_EXAMPLE)
  registerCollections(group, context)
  registerReads(group, context)
  registerWrites(group, context)
}

function registerCollections(group: Command, context: Context): void {
  const list = group.command('collections', { isDefault: true }).description('Lists the collections.')
  addTenantOptions(list, 'cloister docs collections --tenant ann').action((options: TenantOptions) =>
    listCollections(options, context),
  )

  const index = group
    .command('index')
    .description('Makes a collection, or changes its indexes to these.')
    .argument('<collection>', COLLECTION, parseSegment)
    .argument('[paths...]', 'paths of the fields to find and sort by')
  addTenantOptions(index, 'cloister docs index orders status customer.id --tenant ann').action(
    (name: string, indexes: string[], options: TenantOptions) =>
      send('PUT', path`/v1/tenants/${options.tenant}/docs/${name}`, { indexes }, options, context),
  )

  const drop = group
    .command('drop')
    .description('Deletes a collection with all of its documents.')
    .argument('<collection>', COLLECTION, parseSegment)
  addTenantOptions(drop, 'cloister docs drop orders --tenant ann').action((name: string, options: TenantOptions) =>
    remove(path`/v1/tenants/${options.tenant}/docs/${name}`, name, options, context),
  )
}

function registerReads(group: Command, context: Context): void {
  const find = group
    .command('find')
    .description('Prints a page of documents as JSON.')
    .argument('<collection>', COLLECTION, parseSegment)
    .option('--where <json>', 'conditions on indexed fields', parseJsonArgument)
    .option('--sort <paths>', 'paths with commas between them, - before one to sort descending')
    .option('--limit <count>', 'documents of a page: 1 to 1000, 100 if absent', parseWhole)
    .option('--cursor <cursor>', 'where the page before ended')
  addTenantOptions(find, FIND_EXAMPLE).action((name: string, options: FindOptions) => findAll(name, options, context))

  const get = group
    .command('get')
    .description('Prints a document as JSON.')
    .argument('<collection>', COLLECTION, parseSegment)
    .argument('<id>', 'its id', parseSegment)
  addTenantOptions(get, 'cloister docs get orders o1 --tenant ann').action(
    (name: string, id: string, options: TenantOptions) =>
      show(path`/v1/tenants/${options.tenant}/docs/${name}/${id}`, options, context),
  )
}

function registerWrites(group: Command, context: Context): void {
  const insert = group
    .command('insert')
    .description('Stores a new document.')
    .argument('<collection>', COLLECTION, parseSegment)
    .argument('<json>', 'its data', parseJsonArgument)
    .option('--id <id>', 'its id; made if absent', parseSegment)
  addTenantOptions(insert, `cloister docs insert orders '{"total":25}' --tenant ann`).action(
    (name: string, data: string, options: WriteOptions) =>
      send(
        'POST',
        path`/v1/tenants/${options.tenant}/docs/${name}`,
        { data: JSON.parse(data) as unknown, id: options.id },
        options,
        context,
      ),
  )

  for (const { verb, method, field, about } of CHANGES) {
    const change = group
      .command(verb)
      .description(about)
      .argument('<collection>', COLLECTION, parseSegment)
      .argument('<id>', 'its id', parseSegment)
      .argument('<json>', `its ${field}`, parseJsonArgument)
      .option('--if-version <version>', 'only if it has this version; 0: only if there is none', parseWhole)
    addTenantOptions(change, `cloister docs ${verb} orders o1 '{"total":25}' --tenant ann`).action(
      (name: string, id: string, json: string, options: WriteOptions) =>
        send(method, documentPath(name, id, options), { [field]: JSON.parse(json) as unknown }, options, context),
    )
  }

  const drop = group
    .command('delete')
    .description('Deletes a document.')
    .argument('<collection>', COLLECTION, parseSegment)
    .argument('<id>', 'its id', parseSegment)
    .option('--if-version <version>', 'only if it has this version', parseWhole)
  addTenantOptions(drop, 'cloister docs delete orders o1 --tenant ann').action(
    (name: string, id: string, options: WriteOptions) =>
      remove(documentPath(name, id, options), `${name}/${id}`, options, context),
  )
}

const CHANGES = [
  { verb: 'put', method: 'PUT', field: 'data', about: 'Puts data in the place of a document, or makes it.' },
  { verb: 'patch', method: 'PATCH', field: 'patch', about: 'Changes fields of a document; null removes one.' },
] as const

function documentPath(name: string, id: string, { tenant, ifVersion }: WriteOptions): string {
  const query = { ifVersion: ifVersion === undefined ? undefined : String(ifVersion) }
  return withQuery(path`/v1/tenants/${tenant}/docs/${name}/${id}`, query)
}

async function listCollections({ tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/docs`)
  if (options.json) return printJson(context.out, answer)
  const rows = listAt(JSON.parse(answer), 'collections').map((one) => [
    textAt(one, 'name') ?? '',
    formatCount(numberAt(one, 'documents') ?? 0),
    formatCount(numberAt(one, 'storedBytes') ?? 0),
    listAt(one, 'indexes')
      .map((index) => textAt(index, 'path') ?? '')
      .join(', '),
  ])
  if (rows.length === 0) return print(context.err, 'no collections')
  print(
    context.out,
    renderTable(context.out, [left('collection'), right('documents'), right('bytes'), left('indexes')], rows),
  )
}

async function findAll(name: string, options: FindOptions, context: Context): Promise<void> {
  const { tenant, where, sort, limit, cursor, ...common } = options
  const query = { where, sort, cursor, limit: limit === undefined ? undefined : String(limit) }
  await using connection = await connect(common, context)
  const answer = await ask(connection, 'GET', withQuery(path`/v1/tenants/${tenant}/docs/${name}`, query))
  if (common.json) return printJson(context.out, answer)
  const page: unknown = JSON.parse(answer)
  printJson(context.out, JSON.stringify(at(page, 'documents')))
  const next = textAt(page, 'cursor')
  if (next !== undefined) print(context.err, `there are more; go on with: --cursor ${next}`)
}

async function show(url: string, options: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  printJson(context.out, await ask(connection, 'GET', url))
}

async function send(
  method: 'PUT' | 'POST' | 'PATCH',
  url: string,
  body: object,
  options: WriteOptions,
  context: Context,
): Promise<void> {
  await using connection = await connect(options, context)
  await ensureTenant(connection, { tenant: options.tenant }, context)
  printJson(context.out, await ask(connection, method, url, { body: JSON.stringify(body) }))
}

async function remove(url: string, what: string, options: WriteOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'DELETE', url)
  if (options.json) print(context.out, JSON.stringify({ deleted: what }))
  else print(context.err, `deleted ${what}`)
}
