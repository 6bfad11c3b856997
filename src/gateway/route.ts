import type { IncomingHttpHeaders } from 'node:http'
import type { z } from 'zod'
import type { ErrorCode } from '../core/errors.ts'
import type { Answer } from './answer.ts'
import { type ParameterName, type PathParameters, namesIn } from './path-parameters.ts'
import type { Principal } from './ports.ts'
import { NO_QUERY, readJson } from './read-json.ts'

export type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'

/** Who may call a route: anybody, the administrator, or the tenant in the path and the administrator. */
export type Caller = 'public' | 'admin' | 'tenant'

/** How a body is read, and what the documents say of it. */
export interface BodyFormat<Body> {
  readonly schema: z.ZodType
  readonly presence: 'required' | 'optional'
  /** Throws INVALID_JSON, INVALID_REQUEST naming the fields. */
  read(bytes: Buffer): Body
}

/** A body of JSON that a schema describes. An absent body is read as `{}` where it is optional. */
export function jsonBody<Schema extends z.ZodType>(
  schema: Schema,
  presence: 'required' | 'optional' = 'required',
): BodyFormat<z.output<Schema>> {
  return { schema, presence, read: (bytes) => readJson(bytes, schema) }
}

/** What a good answer looks like, for the documents. */
export interface AnswerDescription {
  readonly status: number
  readonly description: string
  readonly schema?: z.ZodType
  /** Media types besides JSON, or instead of it if there is no schema. */
  readonly otherTypes?: readonly string[]
}

/** A request that was let in and understood. */
export interface Call<Path extends string, Query, Body> {
  readonly path: PathParameters<Path>
  readonly query: Query
  readonly body: Body
  /** Who asks; undefined on public routes. */
  readonly principal: Principal | undefined
  /** The Accept header. */
  readonly accept: string | undefined
  readonly headers: IncomingHttpHeaders
  /** `head`: the client wants the headers alone. Node drops a body by itself; a route need not make one. */
  readonly wants: 'head' | 'all'
  /**
   * The body as it comes, as fast as it is taken, where the route says `stream`. What is left when its reader stops is
   * dropped. Rejects with UNSUPPORTED_MEDIA, and with INVALID_REQUEST when the connection ends first.
   */
  content(): AsyncIterable<Buffer>
  /** Aborts when the client goes away. */
  signal(): AbortSignal
}

interface Row<Path extends string, Query, Body> {
  readonly method: Method
  /** `/v1/tenants/{tenant}`; the parameters are those of path-parameters.ts. */
  readonly path: Path
  readonly caller: Caller
  readonly summary: string
  /** A strict object of texts. */
  readonly query: z.ZodType<Query>
  readonly body: BodyFormat<Body> | undefined
  /** `stream`: a body of any type is taken in pieces by `content`. */
  readonly content: 'none' | 'stream'
  readonly answer: AnswerDescription
  /** Refusals of its own, besides those that its other fields imply. */
  readonly refusals: readonly ErrorCode[]
  /** Whether it starts a run: an error that it answers is then the refusal of a run, and told as one. */
  readonly starts: 'run' | 'nothing'
  handle(call: Call<Path, Query, Body>): Answer | Promise<Answer>
}

/** A row of the API. Registration, rights, checks and documents are all made from it. */
export type Route = Row<string, unknown, unknown> & {
  /** The parameters of its path, in their order. */
  readonly parameters: readonly ParameterName[]
}

type Optional = 'query' | 'body' | 'content' | 'refusals' | 'starts'
type Definition<Path extends string, Query, Body> = Omit<Row<Path, Query, Body>, Optional> &
  Partial<Pick<Row<Path, Query, Body>, Optional>>

/** Writes a row down. What it leaves out: no query, no body, no refusals of its own, starts nothing. */
export function route<const Path extends string, Query = Record<string, never>, Body = undefined>(
  definition: Definition<Path, Query, Body>,
): Route {
  const parameters = namesIn(definition.path)
  const row = {
    query: NO_QUERY,
    body: undefined,
    content: 'none',
    refusals: [],
    starts: 'nothing',
    parameters,
    ...definition,
  }
  // The row's own types met here; from now on its parts are only ever used together.
  return Object.freeze(row) as unknown as Route
}
