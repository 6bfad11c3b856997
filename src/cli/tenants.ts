import { type Command, InvalidArgumentError } from 'commander'
import { ask, path } from './ask.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { formatCount, formatPlural, formatTime } from './format.ts'
import { at, listAt, numberAt, printJson, textAt } from './json.ts'
import { type CommonOptions, addCommonOptions, addExample, parseTenant } from './options.ts'
import { readText } from './source.ts'
import { EXIT_USAGE, Stop } from './stop.ts'
import { left, renderTable } from './table.ts'
import { print } from './terminal.ts'

interface PutOptions extends CommonOptions {
  readonly policy?: string
  readonly budget?: string
}

const PUT_EXAMPLE = `cloister tenants put ann --policy default --budget '{"month":{"usd":"25.00"}}'`
const COLUMNS = [left('tenant'), left('policy'), left('budget'), left('cells'), left('created')]

/** `cloister tenants`: who there is, and what each may use. */
export function registerTenants(program: Command, context: Context): void {
  const group = program.command('tenants').summary('list and change tenants').description('Lists and changes tenants.')
  addExample(group, PUT_EXAMPLE)
  const list = group.command('list', { isDefault: true }).description('Lists every tenant.')
  addCommonOptions(list, 'cloister tenants list').action((options: CommonOptions) => listTenants(options, context))

  const show = group.command('show').description('Shows one tenant.').argument('<name>', 'its name', parseTenant)
  addCommonOptions(show, 'cloister tenants show ann').action((name: string, options: CommonOptions) =>
    showTenant(name, options, context),
  )

  const put = group
    .command('put')
    .description('Creates a tenant, or changes what is given of one.')
    .argument('<name>', '1 to 63 of a-z, 0-9 and -, a letter first', parseTenant)
    .option('--policy <policy>', 'the name of a policy, or a .json file with one')
    .option('--budget <json>', 'ceilings on spending; null removes one', parseJsonText)
  addCommonOptions(put, PUT_EXAMPLE).action((name: string, options: PutOptions) => putTenant(name, options, context))

  const remove = group
    .command('delete')
    .description('Deletes a tenant with its keys and data. The ledger keeps what it was charged.')
    .argument('<name>', 'its name', parseTenant)
  addCommonOptions(remove, 'cloister tenants delete ann').action((name: string, options: CommonOptions) =>
    deleteTenant(name, options, context),
  )
}

/** What `--policy` means for the API: the name of a policy, or the policy that a .json file holds. */
export async function readPolicyOption(policy: string, context: Context): Promise<unknown> {
  if (!policy.endsWith('.json')) return policy
  const text = await readText(policy, context)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Stop(`${policy} is not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      exit: EXIT_USAGE,
      next: `cloister policy check ${policy}`,
    })
  }
}

async function listTenants(options: CommonOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'GET', '/v1/tenants')
  if (options.json) return printJson(context.out, answer)
  const tenants = listAt(JSON.parse(answer), 'tenants')
  if (tenants.length > 0) return print(context.out, renderTable(context.out, COLUMNS, tenants.map(toRow)))
  print(context.err, 'no tenants yet; create one with: cloister tenants put NAME')
}

async function showTenant(name: string, options: CommonOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  printTenant(await ask(connection, 'GET', path`/v1/tenants/${name}`), options, context)
}

async function putTenant(name: string, options: PutOptions, context: Context): Promise<void> {
  const body = {
    ...(options.policy !== undefined && { policy: await readPolicyOption(options.policy, context) }),
    ...(options.budget !== undefined && { budget: JSON.parse(options.budget) as unknown }),
  }
  await using connection = await connect(options, context)
  const answer = await ask(connection, 'PUT', path`/v1/tenants/${name}`, { body: JSON.stringify(body) })
  printTenant(answer, options, context)
}

async function deleteTenant(name: string, options: CommonOptions, context: Context): Promise<void> {
  await using connection = await connect(options, context)
  await ask(connection, 'DELETE', path`/v1/tenants/${name}`)
  if (options.json) print(context.out, JSON.stringify({ deleted: name }))
  else print(context.err, `deleted ${name}`)
}

function printTenant(answer: string, { json }: CommonOptions, { out }: Context): void {
  if (json) printJson(out, answer)
  else print(out, renderTable(out, COLUMNS, [toRow(JSON.parse(answer))]))
}

function toRow(tenant: unknown): readonly string[] {
  return [
    textAt(tenant, 'tenant') ?? '',
    describePolicy(at(tenant, 'policy')),
    describeBudget(at(tenant, 'budget')),
    describeCells(at(tenant, 'cells')),
    formatTime(textAt(tenant, 'createdAt')),
  ]
}

function describePolicy(policy: unknown): string {
  return typeof policy === 'string' ? policy : (textAt(policy, 'name') ?? 'custom')
}

function describeBudget(budget: unknown): string {
  const ceilings = ['day', 'month'].flatMap((period) => {
    const units = numberAt(budget, period, 'units')
    const usd = textAt(budget, period, 'usd')
    return [
      ...(usd === undefined ? [] : [`$${usd} a ${period}`]),
      ...(units === undefined ? [] : [`${formatPlural(units, 'unit')} a ${period}`]),
    ]
  })
  return ceilings.length === 0 ? 'none' : ceilings.join(', ')
}

function describeCells(cells: unknown): string {
  const deaths = numberAt(cells, 'deaths', 'total') ?? 0
  if (deaths === 0) return 'sound'
  const until = textAt(cells, 'backedOffUntil')
  const brought = `${formatCount(deaths)} brought down, last by ${textAt(cells, 'deaths', 'lastReason') ?? 'crash'}`
  return until === undefined ? brought : `${brought}; no new runs until ${formatTime(until)}`
}

function parseJsonText(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : 'Not JSON.')
  }
}
