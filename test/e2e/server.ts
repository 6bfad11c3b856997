import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, type Started, createDirectory, startProgram } from '../cli/command-line.ts'

/** An answer of the API, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The text as JSON; undefined if it is none. */
  readonly body: any
}

type Body = string | Uint8Array<ArrayBuffer> | object

/** The HTTP API, with a key. */
export interface Client {
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Answer>
  readonly put: (path: string, body: Body) => Promise<Answer>
  readonly post: (path: string, body?: Body, options?: { signal?: AbortSignal }) => Promise<Answer>
  readonly delete: (path: string) => Promise<Answer>
  /** Any other call. */
  readonly call: (method: string, path: string, body: object, headers: Record<string, string>) => Promise<Answer>
  /** Runs code as a tenant. */
  readonly run: (tenant: string, body: Body, options?: { signal?: AbortSignal }) => Promise<Answer>
  /** Makes a tenant, or changes one. Throws unless it is done. */
  readonly tenant: (tenant: string, plan?: object) => Promise<void>
}

/** A real server in a process of its own, and the administrator's client. */
export interface Server extends Client, AsyncDisposable {
  readonly url: string
  readonly pid: number
  readonly directory: string
  readonly adminKey: string
  readonly process: Started
  readonly ended: Promise<Ended>
  /** A client with another key; undefined: with none. */
  readonly as: (key: string | undefined) => Client
  /** A client with a new key of the tenant. */
  readonly asTenant: (tenant: string) => Promise<Client>
}

export interface ServerOptions {
  /** The data directory; one of the server's own, removed with it, if absent. */
  readonly directory?: string
  /** Knobs, as environment variables without `CLOISTER_`. */
  readonly knobs?: Readonly<Record<string, string>>
}

/** Starts a server and waits until it is ready. Leaving its scope kills it. */
export async function startServer({ directory, knobs = {} }: ServerOptions = {}): Promise<Server> {
  await using taken = new AsyncDisposableStack()
  const data = directory ?? taken.use(createDirectory()).path
  const variables = Object.entries(knobs).map(([name, value]) => [`CLOISTER_${name}`, value])
  const env = { CLOISTER_LOG_LEVEL: 'warn', CLOISTER_BLANK_CELLS: '2', ...Object.fromEntries(variables) }
  const program = taken.use(startProgram(['serve', '--port', '0', '--json', '--data', data], { env }))
  const { url, pid, adminKeyFile } = JSON.parse(await program.printed('stdout', '\n')) as Announcement
  const adminKey = readFileSync(adminKeyFile, 'utf8').trim()
  const resources = taken.move()
  const admin = createClient(url, adminKey)
  const as = (key: string | undefined): Client => createClient(url, key)
  return {
    ...admin,
    url,
    pid,
    directory: data,
    adminKey,
    process: program,
    ended: program.ended,
    as,
    asTenant: async (tenant) => as((await admin.post(`/v1/tenants/${tenant}/keys`)).body.key as string),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

interface Announcement {
  readonly url: string
  readonly pid: number
  readonly adminKeyFile: string
}

function createClient(url: string, key: string | undefined): Client {
  const ask = async (method: string, path: string, more: RequestInit & { headers?: Record<string, string> }) => {
    const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` }
    const response = await fetch(url + path, { ...more, method, headers: { ...authorization, ...more.headers } })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: parse(text) }
  }
  const withBody = (body: Body | undefined) =>
    body === undefined ? {} : { body: encode(body), headers: { 'content-type': 'application/json' } }
  const client: Client = {
    get: (path, headers = {}) => ask('GET', path, { headers }),
    put: (path, body) => ask('PUT', path, withBody(body)),
    post: (path, body, options = {}) => ask('POST', path, { ...withBody(body), ...options }),
    delete: (path) => ask('DELETE', path, {}),
    call: (method, path, body, headers) =>
      ask(method, path, { body: encode(body), headers: { 'content-type': 'application/json', ...headers } }),
    run: (tenant, body, options) => client.post(`/v1/tenants/${tenant}/execute`, body, options),
    async tenant(tenant, plan = {}) {
      const { status, text } = await client.put(`/v1/tenants/${tenant}`, plan)
      if (status !== 200 && status !== 201) throw new Error(`tenant ${tenant}: ${status} ${text}`)
    },
  }
  return client
}

function encode(body: Body): string | Uint8Array<ArrayBuffer> {
  return typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Code that tells through `kv` that it has begun, and then waits. */
export function sleeping(ms: number): string {
  return `await context.kv.increment('begun'); await new Promise((resolve) => setTimeout(resolve, ${ms})); return 'slept'`
}

/** Waits until so many runs of {@link sleeping} code of the tenant have begun. */
export async function haveBegun(client: Client, tenant: string, count = 1): Promise<void> {
  while ((await client.run(tenant, { code: `return await context.kv.get('begun')` })).body.result !== count);
}

/** Waits until something is so. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** The cells that a data directory's hosts have started, whoever their parent is by now. */
export function cellsOf(directory: string): readonly number[] {
  const program = join(directory, 'cells', 'cell-')
  return processes().flatMap(({ pid, command }) => (command.includes(program) ? [pid] : []))
}

function processes(): readonly { pid: number; command: string }[] {
  if (process.platform !== 'linux') return processesByPs()
  return readdirSync('/proc').flatMap((name) => {
    try {
      return /^\d+$/.test(name) ? [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8') }] : []
    } catch {
      // It has ended since its name was read.
      return []
    }
  })
}

function processesByPs(): readonly { pid: number; command: string }[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,command='], { encoding: 'utf8' }).split('\n')
  return lines.map((line) => ({ pid: Number.parseInt(line, 10), command: line }))
}
