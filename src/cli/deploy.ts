import { type Command, InvalidArgumentError, Option } from 'commander'
import { CloisterError } from '../core/errors.ts'
import { ask, path, withQuery } from './ask.ts'
import { connect } from './connect.ts'
import type { Connection } from './connection.ts'
import type { Context } from './context.ts'
import { ensureTenant } from './ensure-tenant.ts'
import { printJson, textAt } from './json.ts'
import { type TenantOptions, addTenantOptions, parseWhole } from './options.ts'
import { readProgram } from './program-source.ts'
import { readProject } from './project.ts'
import type { Positions } from './source-positions.ts'
import { paint, print } from './terminal.ts'

interface DeployOptions extends TenantOptions {
  readonly name?: string
  readonly env?: Readonly<Record<string, string>>
  readonly timeout?: number
  readonly reuse?: string
  readonly publish: boolean
}

const EXAMPLE = `echo 'export default (input) => "hello " + input.name' > greet.js
cloister deploy greet.js
cloister invoke greet --input '{"name":"ann"}'`

/** `cloister deploy FILE|DIR`: bundles code and makes it the newest version of a function. */
export function registerDeploy(program: Command, context: Context): void {
  const command = program
    .command('deploy')
    .summary('deploy a function')
    .description(
      'Bundles a file with what it imports, loads it once, and makes it the newest version of a function. A folder says in its cloister.json what it is: name, main, config.',
    )
    .argument('<place>', 'a .js, .mjs, .ts or .mts file, or a folder with a cloister.json')
    .option('--name <name>', 'the function; by the file or cloister.json if absent')
    .option('--env <name=value>', 'a plain value for context.env; may be repeated', collectEnv)
    .option('--timeout <ms>', 'wall time of a run', parseWhole)
    .addOption(new Option('--reuse <how>', 'how isolates live on between runs').choices(['function', 'context', 'run']))
    .option('--no-publish', 'leave calls where they are; move them with cloister promote')
  addTenantOptions(command, EXAMPLE).action(async (place: string, options: DeployOptions) => {
    await deploy(place, options, context)
  })
}

async function deploy(place: string, options: DeployOptions, context: Context): Promise<void> {
  const { file, name, config } = await readProject(place, options.name, context)
  const { modules, main, positions } = await readProgram(file, undefined, context)
  await using connection = await connect(options, context)
  await ensureTenant(connection, options, context)
  const body = JSON.stringify({ modules, main, config: overlay(config, options) })
  const address = withQuery(path`/v1/tenants/${options.tenant}/functions/${name}`, {
    publish: options.publish ? undefined : 'false',
  })
  const answer = await putCode(connection, address, { body, positions })
  if (options.json) return printJson(context.out, answer)
  const deployed: unknown = JSON.parse(answer)
  const { out } = context
  print(out, `${paint(out, 'green', 'deployed')}  ${textAt(deployed, 'name')} version ${textAt(deployed, 'version')}`)
  const advice = options.publish ? `cloister invoke ${name}` : `cloister promote ${name} ${textAt(deployed, 'version')}`
  print(context.err, `next: ${advice}`)
}

/** A refusal of code names lines of the bundle; the user has other files. */
export async function putCode(
  connection: Connection,
  address: string,
  { body, positions }: { readonly body: string; readonly positions: Positions | undefined },
): Promise<string> {
  try {
    return await ask(connection, 'PUT', address, { body })
  } catch (error) {
    if (!(error instanceof CloisterError) || positions === undefined) throw error
    throw new CloisterError(error.code, positions.translate(error.message), { cause: error })
  }
}

function overlay(config: Readonly<Record<string, unknown>>, { env, timeout, reuse }: DeployOptions): object {
  const own = config['env']
  return {
    ...config,
    ...(env && { env: { ...(typeof own === 'object' ? own : {}), ...env } }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(reuse !== undefined && { reuse }),
  }
}

function collectEnv(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Not like NAME=VALUE.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}
