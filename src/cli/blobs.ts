import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { ask, askForBytes, path, withQuery } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { ensureTenant } from './ensure-tenant.ts'
import { formatBytes, formatTime } from './format.ts'
import { listAt, numberAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addExample, addTenantOptions, parseWhole } from './options.ts'
import { parseSegment } from './segment.ts'
import { readBytes } from './source.ts'
import { EXIT_USAGE, Stop } from './stop.ts'
import { left, renderTable, right } from './table.ts'
import { print } from './terminal.ts'

interface PutOptions extends TenantOptions {
  readonly type?: string
  readonly meta?: readonly string[]
  readonly ifMatch?: string
  readonly ifNoneMatch?: string
}

interface GetOptions extends TenantOptions {
  readonly out?: string
}

interface ListOptions extends TenantOptions {
  readonly prefix?: string
  readonly delimiter?: string
  readonly limit?: number
  readonly cursor?: string
}

const PUT_EXAMPLE = 'cloister blobs put reports/may.pdf may.pdf --type application/pdf --tenant ann'
const COLUMNS = [left('key'), right('size'), left('type'), left('stored')]

/** `cloister blobs`: the files that a tenant's code stores. */
export function registerBlobs(program: Command, context: Context): void {
  const group = program
    .command('blobs')
    .summary('store and get blobs')
    .description('Blobs: bytes of any length by key.')
  addExample(group, PUT_EXAMPLE)

  const list = group
    .command('list', { isDefault: true })
    .description('Lists blobs by key.')
    .option('--prefix <text>', 'only keys that start with it')
    .option('--delimiter <text>', 'tell keys that have it after the prefix together')
    .option('--limit <count>', 'blobs of a page: 1 to 1000, 100 if absent', parseWhole)
    .option('--cursor <cursor>', 'where the page before ended')
  addTenantOptions(list, 'cloister blobs list --tenant ann --prefix reports/').action((options: ListOptions) =>
    listBlobs(options, context),
  )

  const get = group
    .command('get')
    .description('Gets a blob.')
    .argument('<key>', 'its key', parseSegment)
    .option('--out <file>', 'write it there instead of printing it; needed with --json')
  addTenantOptions(get, 'cloister blobs get reports/may.pdf --out may.pdf --tenant ann').action(
    (key: string, options: GetOptions) => getBlob(key, options, context),
  )

  const put = group
    .command('put')
    .description('Stores a file as a blob.')
    .argument('<key>', 'its key', parseSegment)
    .argument('<file>', 'the content; - is standard input')
    .option('--type <media-type>', 'what it is; application/octet-stream if absent')
    .option('--meta <name=value...>', 'what else is kept of it')
    .option('--if-match <etag>', 'only if this is what is stored; "*" is anything')
    .option('--if-none-match <etag>', 'only if this is not what is stored; "*" is anything')
  addTenantOptions(put, PUT_EXAMPLE).action((key: string, file: string, options: PutOptions) =>
    putBlob(key, file, options, context),
  )

  const remove = group.command('delete').description('Deletes a blob.').argument('<key>', 'its key', parseSegment)
  addTenantOptions(remove, 'cloister blobs delete reports/may.pdf --tenant ann').action(
    (key: string, options: TenantOptions) => deleteBlob(key, options, context),
  )
}

async function listBlobs(options: ListOptions, context: Context): Promise<void> {
  const { tenant, prefix, delimiter, limit, cursor, ...common } = options
  await using connection = await connect(common, context)
  const query = { prefix, delimiter, cursor, limit: limit === undefined ? undefined : String(limit) }
  const answer = await ask(connection, 'GET', withQuery(path`/v1/tenants/${tenant}/blobs`, query))
  if (common.json) return printJson(context.out, answer)
  const page: unknown = JSON.parse(answer)
  const folders = listAt(page, 'prefixes').map((folder) => [String(folder), '', '', ''])
  const rows = [...folders, ...listAt(page, 'blobs').map(toRow)].toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))
  if (rows.length === 0) return print(context.err, 'no blobs')
  print(context.out, renderTable(context.out, COLUMNS, rows))
  const next = textAt(page, 'cursor')
  if (next !== undefined) print(context.err, `there are more; go on with: --cursor ${JSON.stringify(next)}`)
}

async function getBlob(key: string, { tenant, out, ...options }: GetOptions, context: Context): Promise<void> {
  if (options.json && out === undefined) {
    throw new Stop('--json does not hold a blob', { exit: EXIT_USAGE, next: 'say where it goes with --out FILE' })
  }
  await using connection = await connect(options, context)
  const { headers, body } = await askForBytes(connection, path`/v1/tenants/${tenant}/blobs/${key}`)
  if (out === undefined) {
    for await (const chunk of body) if (!context.out.stream.write(chunk)) await once(context.out.stream, 'drain')
    return
  }
  await writeWhole(body, out)
  const size = Number(headers['content-length'])
  if (options.json) print(context.out, JSON.stringify({ key, file: out, size, etag: headers['etag']?.slice(1, -1) }))
  else print(context.err, `got ${key}: ${formatBytes(size)} in ${out}`)
}

/** Under its name there is all of it, or what was there before. */
async function writeWhole(body: AsyncIterable<Uint8Array>, file: string): Promise<void> {
  const partial = `${file}.part`
  try {
    await pipeline(body, createWriteStream(partial))
    await rename(partial, file)
  } catch (error) {
    await rm(partial, { force: true })
    if (error instanceof Stop) throw error
    throw new Stop(`cannot write ${file}: ${String(error)}`, { exit: EXIT_USAGE })
  }
}

async function putBlob(key: string, file: string, options: PutOptions, context: Context): Promise<void> {
  const { tenant, type, meta = [], ifMatch, ifNoneMatch, ...common } = options
  const headers = {
    'content-type': type ?? 'application/octet-stream',
    ...Object.fromEntries(meta.map(parseMeta)),
    ...(ifMatch !== undefined && { 'if-match': quoted(ifMatch) }),
    ...(ifNoneMatch !== undefined && { 'if-none-match': quoted(ifNoneMatch) }),
  }
  const bytes = await readBytes(file, context)
  await using connection = await connect(common, context)
  await ensureTenant(connection, { tenant }, context)
  const address = path`/v1/tenants/${tenant}/blobs/${key}`
  const answer = await ask(connection, 'PUT', address, { content: { bytes, headers } })
  if (common.json) return printJson(context.out, answer)
  const blob: unknown = JSON.parse(answer)
  print(context.err, `put ${key}: ${formatBytes(numberAt(blob, 'size'))}, etag ${textAt(blob, 'etag') ?? ''}`)
}

async function deleteBlob(key: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'DELETE', path`/v1/tenants/${tenant}/blobs/${key}`)
  if (options.json) print(context.out, JSON.stringify({ deleted: key }))
  else print(context.err, `deleted ${key}`)
}

function parseMeta(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  const name = text.slice(0, at)
  const value = text.slice(at + 1)
  if (/^[a-z0-9][a-z0-9-]{0,63}$/i.test(name) && /^[\x20-\x7e]*$/.test(value)) return [`x-cloister-meta-${name}`, value]
  throw new Stop(
    `--meta ${JSON.stringify(text.slice(0, 100))} must be name=value: letters, digits and -; visible ASCII`,
    {
      exit: EXIT_USAGE,
    },
  )
}

function quoted(etag: string): string {
  return etag === '*' ? etag : `"${etag.replaceAll('"', '')}"`
}

function toRow(blob: unknown): readonly string[] {
  return [
    textAt(blob, 'key') ?? '',
    formatBytes(numberAt(blob, 'size')),
    textAt(blob, 'contentType') ?? '',
    formatTime(textAt(blob, 'uploadedAt')),
  ]
}
