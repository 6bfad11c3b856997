import type { Command } from 'commander'
import { ask, path } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { ABSENT, formatCount, formatTime } from './format.ts'
import { at, listAt, printJson, textAt } from './json.ts'
import { type TenantOptions, addTenantOptions, parseWhole } from './options.ts'
import { EXIT_USAGE, Stop } from './stop.ts'
import { left, renderTable, right } from './table.ts'
import { print } from './terminal.ts'

interface AliasOptions extends TenantOptions {
  readonly alias: string
}

interface PromoteOptions extends AliasOptions {
  readonly percent?: number
  readonly rollback: boolean
}

/** `cloister functions`, `versions`, `promote` and `rollback`: what is deployed, and where calls go. */
export function registerFunctions(program: Command, context: Context): void {
  const list = program.command('functions').summary('list deployed functions').description('Lists deployed functions.')
  addTenantOptions(list, 'cloister functions --tenant ann').action((options: TenantOptions) =>
    listFunctions(options, context),
  )
  const versions = program
    .command('versions')
    .summary('list the versions of a function')
    .description('Lists the versions of a function, newest first, and the aliases that name them.')
    .argument('<name>', 'the function')
  addTenantOptions(versions, 'cloister versions greet --tenant ann').action((name: string, options: TenantOptions) =>
    listVersions(name, options, context),
  )
  const promote = program
    .command('promote')
    .summary('send calls to a version')
    .description('Has an alias name a version, or sends it a share of the calls.')
    .argument('<name>', 'the function')
    .argument('<version>', 'the version', parseWhole)
    .option('--alias <alias>', 'which alias', 'live')
    .option('--percent <share>', 'only so many percent of the calls; the rest stays where it is', parseWhole)
    .option('--no-rollback', 'keep the share even if the version turns out significantly worse')
  addTenantOptions(promote, 'cloister promote greet 5 --percent 10\ncloister promote greet 5').action(
    (name: string, version: number, options: PromoteOptions) => promoteVersion(name, version, options, context),
  )
  const rollback = program
    .command('rollback')
    .summary('take calls back')
    .description('Ends the canary of an alias if it has one, else sends calls back to the version before.')
    .argument('<name>', 'the function')
    .option('--alias <alias>', 'which alias', 'live')
  addTenantOptions(rollback, 'cloister rollback greet --tenant ann').action((name: string, options: AliasOptions) =>
    rollBack(name, options, context),
  )
}

async function listFunctions({ tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/functions`)
  if (options.json) return printJson(context.out, answer)
  const functions = listAt(JSON.parse(answer), 'functions')
  if (functions.length === 0) return print(context.err, `${tenant} has no functions; deploy one: cloister deploy FILE`)
  const columns = [left('function'), right('live'), right('latest'), left('updated')]
  const rows = functions.map((each) => [
    textAt(each, 'name') ?? '',
    textAt(each, 'aliases', 'live', 'version') ?? ABSENT,
    textAt(each, 'latest', 'version') ?? '',
    formatTime(textAt(each, 'updatedAt')),
  ])
  print(context.out, renderTable(context.out, columns, rows))
}

async function listVersions(name: string, { tenant, ...options }: TenantOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', path`/v1/tenants/${tenant}/functions/${name}/versions`)
  if (options.json) return printJson(context.out, answer)
  const found: unknown = JSON.parse(await ask(connection, 'GET', path`/v1/tenants/${tenant}/functions/${name}`))
  const columns = [right('version'), left('aliases'), right('bytes'), left('sha256'), left('created')]
  const rows = listAt(JSON.parse(answer), 'versions').map((each) => {
    const version = textAt(each, 'version') ?? ''
    return [
      version,
      aliasesOf(found, version),
      formatCount(textAt(each, 'codeBytes')),
      (textAt(each, 'sha256') ?? '').slice(0, 12),
      formatTime(textAt(each, 'createdAt')),
    ]
  })
  print(context.out, renderTable(context.out, columns, rows))
  const rollbacks = JSON.parse(await ask(connection, 'GET', path`/v1/tenants/${tenant}/functions/${name}/rollbacks`))
  for (const rollback of listAt(rollbacks, 'rollbacks')) print(context.out, describeRollback(rollback))
}

/** One line: which canary ended when, and by how much it was worse. */
function describeRollback(rollback: unknown): string {
  const [alias, from, to] = [textAt(rollback, 'alias'), textAt(rollback, 'from'), textAt(rollback, 'version')]
  const figures = listAt(rollback, 'findings').map((finding) => {
    const [canary, stable] = [Number(textAt(finding, 'canary')), Number(textAt(finding, 'stable'))]
    const unit = textAt(finding, 'unit')
    const show = (value: number): string =>
      unit === 'share' ? `${(value * 100).toFixed(1)} %` : `${value.toPrecision(3)} ${unit}`
    return `${textAt(finding, 'metric')} ${show(canary)} against ${show(stable)}`
  })
  return `rolled back ${formatTime(textAt(rollback, 'at'))}: ${alias} from ${from} to ${to}, ${figures.join(', ')}`
}

/** The aliases that lead to a version, with its share where that is not all. */
function aliasesOf(found: unknown, version: string): string {
  const aliases = Object.entries((at(found, 'aliases') ?? {}) as Record<string, unknown>)
  const leading = aliases.flatMap(([name, alias]) => {
    const share = textAt(alias, 'weights', version)
    if (share !== undefined) return `${name} ${share} %`
    return textAt(alias, 'version') === version ? name : []
  })
  return leading.join(', ')
}

async function promoteVersion(
  name: string,
  version: number,
  { tenant, alias, percent, rollback, ...options }: PromoteOptions,
  context: Context,
): Promise<void> {
  await using connection = await connect(options, context)
  const address = path`/v1/tenants/${tenant}/functions/${name}/aliases/${alias}`
  const body =
    percent === undefined || percent === 100 ? { version } : await share(await ask(connection, 'GET', address))
  const answer = await ask(connection, 'PUT', address, { body: JSON.stringify(body) })
  if (options.json) return printJson(context.out, answer)
  const part = percent === undefined || percent === 100 ? '' : `${percent} % of `
  print(context.out, `${part}calls of ${name} by ${alias} go to version ${version}`)

  async function share(text: string): Promise<object> {
    const main = textAt(JSON.parse(text), 'version') ?? ''
    if (main !== String(version)) {
      return { version: Number(main), weights: { [version]: percent }, ...(!rollback && { rollback: 'off' }) }
    }
    throw new Stop(`all calls but those of a canary go to version ${version} already`, {
      exit: EXIT_USAGE,
      next: `cloister promote ${name} ${version} ends the canary`,
    })
  }
}

async function rollBack(name: string, { tenant, alias, ...options }: AliasOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const address = path`/v1/tenants/${tenant}/functions/${name}/rollback`
  const answer = await ask(connection, 'POST', address, { body: JSON.stringify({ alias }) })
  if (options.json) return printJson(context.out, answer)
  const back: unknown = JSON.parse(answer)
  print(
    context.out,
    `calls of ${name} by ${alias} go to version ${textAt(back, 'version')}, no more to ${textAt(back, 'from')}`,
  )
}
