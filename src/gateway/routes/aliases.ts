import { CloisterError } from '../../core/errors.ts'
import { type AliasName, parseAliasName } from '../../core/ids.ts'
import { aliasBody, rollbackBody } from '../alias-body.ts'
import { DONE, json } from '../answer.ts'
import * as schemas from '../function-schemas.ts'
import { viewAlias } from '../function-view.ts'
import type { Directory, Functions } from '../ports.ts'
import { quoted } from '../quoted.ts'
import { type Route, route } from '../route.ts'

interface Parts {
  readonly functions: Functions
  readonly directory: Directory
}

const PATH = '/v1/tenants/{tenant}/functions/{function}/aliases/{alias}'

/** Moves calls from version to version. */
export function aliasRoutes({ functions, directory }: Parts): readonly Route[] {
  return [
    route({
      method: 'PUT',
      path: PATH,
      caller: 'tenant',
      summary: 'Have an alias name a version, or two with shares: the next call gets what it says.',
      body: aliasBody,
      answer: { status: 200, description: 'The alias.', schema: schemas.alias },
      refusals: ['NOT_FOUND', 'CONFLICT'],
      async handle({ path, body }) {
        directory.getTenant(path.tenant)
        return json(viewAlias(await functions.setAlias(path.tenant, path.function, path.alias, body)))
      },
    }),
    route({
      method: 'GET',
      path: PATH,
      caller: 'tenant',
      summary: 'Where an alias leads.',
      answer: { status: 200, description: 'The alias.', schema: schemas.alias },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        return json(viewAlias(await functions.alias(path.tenant, path.function, path.alias)))
      },
    }),
    route({
      method: 'DELETE',
      path: PATH,
      caller: 'tenant',
      summary: 'Delete an alias; its versions stay.',
      answer: { status: 204, description: 'It is deleted.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        await functions.deleteAlias(path.tenant, path.function, path.alias)
        return DONE
      },
    }),
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/functions/{function}/rollback',
      caller: 'tenant',
      summary: 'Take an alias a step back: ends its canary if it has one, else to the version that it named before.',
      body: rollbackBody,
      answer: {
        status: 200,
        description: 'The version that calls get now, and the one that they got.',
        schema: schemas.rolledBack,
      },
      refusals: ['NOT_FOUND', 'CONFLICT'],
      async handle({ path, body }) {
        directory.getTenant(path.tenant)
        const alias = aliasOf(body.alias)
        const { version, from } = await functions.rollBack(path.tenant, path.function, alias)
        return json({ name: path.function, alias, version, from })
      },
    }),
  ]
}

function aliasOf(text: string): AliasName {
  const alias = parseAliasName(text)
  if (alias !== undefined) return alias
  throw new CloisterError('INVALID_REQUEST', `alias: ${quoted(text)} is not 1 to 63 of a-z, 0-9 and -, a letter first`)
}
