import { blobKeyFault } from '../core/blob-rules.ts'
import { CloisterError } from '../core/errors.ts'
import {
  ALIAS_NAME_PATTERN,
  type AliasName,
  FUNCTION_NAME_PATTERN,
  type FunctionName,
  type KeyId,
  type RunId,
  TENANT_ID_PATTERN,
  type TenantId,
  parseAliasName,
  parseFunctionName,
  parseKeyId,
  parseRunId,
  parseTenantId,
} from '../core/ids.ts'
import { QUEUE_NAME_PATTERN, queueNameFault } from '../core/queue-rules.ts'
import { quoted } from './quoted.ts'

interface ParameterTypes {
  tenant: TenantId
  runId: RunId
  keyId: KeyId
  blobKey: string
  queue: string
  function: FunctionName
  alias: AliasName
  databaseName: string
  secretName: string
  userId: string
  webhookName: string
  key: string
  collection: string
  id: string
  variable: string
  event: string
  letter: string
  schedule: string
}

export type ParameterName = keyof ParameterTypes

interface Parameter<Value> {
  readonly description: string
  readonly pattern: string
  /** Throws the error of a text that cannot be one. */
  read(text: string): Value
}

const SECRET_NAME = '^[A-Z][A-Z0-9_]{0,62}$'
const USER_ID = /^usr_[0-9a-f]{32}$/
/** Longest key of a blob under any policy. */
const BLOB_KEY_BYTES_MAX = 1_024

/** What may stand in braces in a route's path. */
export const PATH_PARAMETERS: { readonly [Name in ParameterName]: Parameter<ParameterTypes[Name]> } = {
  tenant: {
    description: 'The name of a tenant.',
    pattern: TENANT_ID_PATTERN,
    read: (text) =>
      parseTenantId(text) ?? refuse('INVALID_TENANT', text, 'is not 1 to 63 of a-z, 0-9 and -, a letter first'),
  },
  runId: {
    description: 'The id of a run.',
    pattern: '^run_[0-9a-v]{26}$',
    read: (text) => parseRunId(text) ?? refuse('NOT_FOUND', text, 'is not the id of a run'),
  },
  keyId: {
    description: 'The public id of a key.',
    pattern: '^[0-9a-f]{16}$',
    read: (text) => parseKeyId(text) ?? refuse('NOT_FOUND', text, 'is not the id of a key'),
  },
  function: {
    description: 'The name of a function.',
    pattern: FUNCTION_NAME_PATTERN,
    read: (text) =>
      parseFunctionName(text) ??
      refuse('INVALID_REQUEST', text, 'is no name of a function: 1 to 63 of A-Z, a-z, 0-9, _ and -, a letter first'),
  },
  alias: {
    description: 'The name of an alias.',
    pattern: ALIAS_NAME_PATTERN,
    read: (text) =>
      parseAliasName(text) ??
      refuse('INVALID_REQUEST', text, 'is no name of an alias: 1 to 63 of a-z, 0-9 and -, a letter first'),
  },
  blobKey: {
    description: 'The key of a blob.',
    pattern: '^.{1,1024}$',
    read: (text) => {
      const fault = blobKeyFault(text, BLOB_KEY_BYTES_MAX)
      return fault === undefined ? text : refuse('INVALID_REQUEST', text, `is not the key of a blob: it ${fault}`)
    },
  },
  queue: {
    description: 'The name of a queue.',
    pattern: QUEUE_NAME_PATTERN,
    read: (text) => {
      const fault = queueNameFault(text)
      return fault === undefined ? text : refuse('INVALID_REQUEST', text, fault)
    },
  },
  userId: {
    description: 'The id of a user of the tenant’s application.',
    pattern: USER_ID.source,
    read: (text) => (USER_ID.test(text) ? text : refuse('NOT_FOUND', text, 'is not the id of a user')),
  },
  databaseName: plainName('The name that a database is bound to; `default` is the one of `context.sql` itself.'),
  webhookName: plainName('The name of a webhook.'),
  secretName: {
    description: 'The name of a secret.',
    pattern: SECRET_NAME,
    read: (text) =>
      new RegExp(SECRET_NAME).test(text)
        ? text
        : refuse('INVALID_REQUEST', text, 'is no name of a secret: 1 to 63 of A-Z, 0-9 and _, a letter first'),
  },
  key: anyText('A key, percent-encoded.'),
  collection: anyText('The name of a collection.'),
  id: anyText('The id of a document, percent-encoded.'),
  variable: anyText('The name of a variable.'),
  event: anyText('The name of an event.'),
  letter: anyText('The id of a dead letter.'),
  schedule: anyText('The id of a schedule.'),
}

/** Whatever a tenant calls its own things: checked where it is used, in the words of a guest's call. */
function anyText(description: string): Parameter<string> {
  return { description, pattern: '^[^]+$', read: (text) => text }
}

/** A name of the tenant’s own choosing. */
function plainName(description: string): Parameter<string> {
  return {
    description,
    pattern: TENANT_ID_PATTERN,
    read: (text) =>
      new RegExp(TENANT_ID_PATTERN).test(text)
        ? text
        : refuse('NOT_FOUND', text, 'is not 1 to 63 of a-z, 0-9 and -, a letter first'),
  }
}

/** The names in braces of a path. */
export type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never

/** The parameters of a path, checked. */
export type PathParameters<Path extends string> = {
  readonly [Name in NamesIn<Path> & ParameterName]: ParameterTypes[Name]
}

/** The names in braces of a path, in their order. */
export function namesIn(path: string): readonly ParameterName[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as ParameterName)
}

/** Reads one parameter. Throws INVALID_TENANT, INVALID_REQUEST or NOT_FOUND. */
export function readParameter<Name extends ParameterName>(name: Name, text: string): ParameterTypes[Name] {
  return PATH_PARAMETERS[name].read(text)
}

function refuse(code: 'INVALID_TENANT' | 'INVALID_REQUEST' | 'NOT_FOUND', text: string, fault: string): never {
  throw new CloisterError(code, `${quoted(text)} ${fault}`)
}
