import { type Command, InvalidArgumentError } from 'commander'
import { TENANT_ID_PATTERN, parseTenantId } from '../core/ids.ts'

/** What every command understands. */
export interface JsonOption {
  readonly json?: true
}

/** What every command understands that needs the platform. */
export interface CommonOptions extends JsonOption {
  readonly data?: string
}

export interface TenantOptions extends CommonOptions {
  readonly tenant: string
}

const TENANT_FALLBACK = 'local'

/** Adds an example to the help of a command. */
export function addExample(command: Command, example: string): Command {
  return command.addHelpText('after', `\nExample:\n${example.replace(/^/gm, '  ')}`)
}

/** Adds `--json`, and an example to the help. */
export function addJsonOption(command: Command, example: string): Command {
  return addExample(command, example).option('--json', 'print JSON for programs instead of text for people')
}

/** Adds `--data` too. */
export function addCommonOptions(command: Command, example: string): Command {
  return addJsonOption(command, example).option(
    '--data <dir>',
    'the data directory to open when CLOISTER_URL is not set; .cloister if absent',
  )
}

/** Adds `--tenant` too. */
export function addTenantOptions(command: Command, example: string): Command {
  return addCommonOptions(command, example).option('--tenant <name>', 'whose', parseTenant, TENANT_FALLBACK)
}

/** A tenant's name from the command line. */
export function parseTenant(text: string): string {
  if (parseTenantId(text) === undefined) throw new InvalidArgumentError(`Not a tenant's name: ${TENANT_ID_PATTERN}`)
  return text
}

/** A whole number from the command line; its bounds are for others to check. */
export function parseWhole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Not a whole number.')
  return Number(text)
}

/** A month from the command line. */
export function parsePeriod(text: string): string {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) throw new InvalidArgumentError('Not a month like 2026-03.')
  return text
}
