import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Child, startChild } from './child.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/cloister.js', import.meta.url))
/** Beside the results, hence on a disk: in memory a durable commit would cost nothing. */
const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

/** A whole Cloister with a data directory of its own, which goes with it. */
export interface CloisterServer extends Child {
  readonly port: number
  /** One call of the API by the administrator. Rejects unless it is answered with 2xx. */
  call(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    body?: object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<unknown>
  /** Makes a tenant and a key for it; gives back the headers of its calls. */
  addTenant(name: string, policy: object): Promise<Readonly<Record<string, string>>>
  /** Waits until so many blank cells are ready. */
  blankCells(count: number): Promise<void>
}

interface Options {
  /** Of the host, such as `CLOISTER_LEDGER`. */
  readonly env?: Readonly<Record<string, string>>
  /** Of Node, such as `--cpu-prof`. */
  readonly flags?: readonly string[]
  /** Is handed the data directory after a host has been started there and ended, before the one that is measured. */
  readonly prepare?: (directory: string) => void
}

/** Starts `cloister serve` with all defaults but what `env` says. */
export async function startCloister({ env = {}, flags = [], prepare }: Options = {}): Promise<CloisterServer> {
  mkdirSync(RESULTS, { recursive: true })
  const directory = mkdtempSync(join(RESULTS, 'data-'))
  const args = [...flags, PROGRAM, 'serve', '--port', '0', '--data', directory, '--json']
  const remove = (): void => rmSync(directory, { recursive: true })
  const start = (): Promise<Child> =>
    startChild({ command: process.execPath, args, env, announces: 1 }).catch((error: unknown) => {
      remove()
      throw error
    })
  if (prepare !== undefined) {
    await (await start())[Symbol.asyncDispose]()
    prepare(directory)
  }
  const child = await start()
  const { url, adminKeyFile } = JSON.parse(child.firstLine) as { url: string; adminKeyFile: string }
  const headers = { authorization: `Bearer ${readFileSync(adminKeyFile, 'utf8').trim()}` }
  const call: CloisterServer['call'] = (method, path, body, more) =>
    callApi(`${url}${path}`, method, { ...headers, ...more }, body)
  return {
    ...child,
    port: Number(new URL(url).port),
    call,
    async addTenant(name, policy) {
      await call('PUT', `/v1/tenants/${name}`, { policy })
      const { key } = (await call('POST', `/v1/tenants/${name}/keys`)) as { key: string }
      return { authorization: `Bearer ${key}` }
    },
    async blankCells(count) {
      while (((await call('GET', '/readyz')) as { blankCells: number }).blankCells < count) await pause(5)
    },
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]()
      remove()
    },
  }
}

async function callApi(url: string, method: string, headers: Record<string, string>, body?: object): Promise<unknown> {
  const init =
    body === undefined
      ? { method, headers }
      : { method, headers: { ...headers, ...JSON_TYPE }, body: JSON.stringify(body) }
  const response = await fetch(url, init)
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

const JSON_TYPE = { 'content-type': 'application/json' }

/** A policy that bounds nothing that is measured, so that the platform is measured and not the policy. */
export function openPolicy(reuse: 'function' | 'context'): object {
  return {
    extends: 'generous',
    rate: { perSecond: 1_000_000, burst: 1_000_000 },
    limits: { concurrency: 500, queue: 2_000 },
    instance: { reuse },
  }
}
