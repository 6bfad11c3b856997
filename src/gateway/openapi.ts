import { z } from 'zod'
import { ERRORS, type ErrorCode } from '../core/errors.ts'
import { PATH_PARAMETERS } from './path-parameters.ts'
import type { Route } from './route.ts'
import { refusal } from './schemas.ts'

/** Bytes of whatever type the client says. */
const ANYTHING = { '*/*': { schema: { type: 'string', format: 'binary' } } }

/** The one path that is no row of the API: a function makes of it what it likes. */
const HTTP_TRIGGER: Record<string, Record<string, object>> = {
  '/run/{tenant}/{function}/{path}': {
    get: {
      security: [],
      summary: 'Any method: the function’s fetch handler answers, without a key unless its configuration asks for one.',
      parameters: ['tenant', 'function', 'path'].map((name) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      })),
      responses: {
        default: { description: 'The function’s own; a refusal as everywhere; or `RUN_…` for a run that has failed.' },
      },
    },
  },
}

/** Describes the routes as OpenAPI 3.1, from the same rows that serve them. */
export function describeApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = { ...HTTP_TRIGGER }
  for (const route of routes) {
    paths[route.path] ??= {}
    Object.assign(paths[route.path] as object, { [route.method.toLowerCase()]: describeRoute(route) })
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Cloister', version, description: 'Runs code you did not write, and bills each of its owners.' },
    paths,
    components: {
      schemas: { Refusal: schemaOf(refusal, 'output') },
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'The admin key, or a key of the tenant.' },
      },
    },
  }
}

function describeRoute(route: Route): object {
  const { summary, caller, body, content, answer } = route
  const rights = { public: 'Anybody.', admin: 'The admin key.', tenant: 'A key of the tenant, or the admin key.' }
  return {
    summary,
    description: rights[caller],
    security: caller === 'public' ? [] : [{ key: [] }],
    parameters: [...describePath(route), ...describeQuery(route)],
    ...(body && { requestBody: { required: body.presence === 'required', content: jsonOf(body.schema, 'input') } }),
    ...(content === 'stream' && { requestBody: { required: true, content: ANYTHING } }),
    responses: { [answer.status]: describeAnswer(route), ...describeRefusals(route) },
  }
}

function describePath({ parameters }: Route): readonly object[] {
  return parameters.map((name) => {
    const { description, pattern } = PATH_PARAMETERS[name]
    return { name, in: 'path', required: true, description, schema: { type: 'string', pattern } }
  })
}

function describeQuery({ query }: Route): readonly object[] {
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    readonly properties?: Readonly<Record<string, object>>
    readonly required?: readonly string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

function describeAnswer({ answer: { description, schema, otherTypes = [] } }: Route): object {
  const others = otherTypes.map((type) => [type, { schema: { type: 'string' } }])
  const content = { ...(schema && jsonOf(schema, 'output')), ...Object.fromEntries(others) }
  return Object.keys(content).length === 0 ? { description } : { description, content }
}

/** What a route may refuse with: what its row implies, and what it names. One entry a status, as OpenAPI has it. */
function describeRefusals(route: Route): object {
  const codes = refusalsOf(route)
  const byStatus = Map.groupBy(codes, (code) => ERRORS[code].http)
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } }
  const entries = [...byStatus].map(([status, group]) => {
    return [status, { description: group.map((code) => `${code}: ${ERRORS[code].when}`).join('\n\n'), content }]
  })
  return Object.fromEntries(entries)
}

function refusalsOf({ path, caller, query, body, content, refusals }: Route): readonly ErrorCode[] {
  const codes: ErrorCode[] = ['INTERNAL', ...refusals]
  if (caller !== 'public') codes.push('UNAUTHENTICATED', 'FORBIDDEN')
  if (path.includes('{tenant}')) codes.push('INVALID_TENANT')
  if (body !== undefined) codes.push('INVALID_JSON', 'INVALID_REQUEST', 'TOO_LARGE', 'UNSUPPORTED_MEDIA', 'OVERLOADED')
  if (content === 'stream') codes.push('INVALID_REQUEST', 'TOO_LARGE', 'UNSUPPORTED_MEDIA', 'OVERLOADED')
  if (query instanceof z.ZodObject && Object.keys(query.shape).length > 0) codes.push('INVALID_REQUEST')
  const order = Object.keys(ERRORS)
  return [...new Set(codes)].toSorted((a, b) => order.indexOf(a) - order.indexOf(b))
}

function jsonOf(schema: z.ZodType, io: 'input' | 'output'): object {
  return { 'application/json': { schema: schemaOf(schema, io) } }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io })
  return rest
}
