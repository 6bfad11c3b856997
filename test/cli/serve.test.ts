import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createDirectory, runProgram, startProgram } from './command-line.ts'

interface Announcement {
  readonly url: string
  readonly pid: number
  readonly dataDirectory: string
  readonly adminKeyFile: string | null
}

/** Starts a server over a directory of its own and waits until it is ready. */
async function startServer(env: Readonly<Record<string, string>> = {}) {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(createDirectory())
  const server = stack.use(
    startProgram(['serve', '--port', '0', '--json', '--log-level', 'warn'], { cwd: directory.path, env }),
  )
  const announcement = JSON.parse(await server.printed('stdout', '\n')) as Announcement
  const resources = stack.move()
  return {
    ...server,
    ...announcement,
    directory: directory.path,
    cloister: (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
      runProgram(args, { cwd: directory.path, env: more }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

test('it says in one line of JSON where it serves and where the key is, once it is ready', async () => {
  await using server = await startServer()
  expect(server.pid).toBe(server.child.pid)
  expect(server.dataDirectory).toBe(join(server.directory, '.cloister'))
  expect(statSync(server.adminKeyFile!).mode & 0o777).toBe(0o600)
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
})

test('the first run that it prints works as it is pasted', async () => {
  using directory = createDirectory()
  await using server = startProgram(['serve', '--port', '0'], { cwd: directory.path })
  const printed = await server.printed('stdout', '/execute')
  const script = printed.slice(printed.indexOf('KEY='))
  const output = execFileSync('sh', ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  expect(output).toContain('"result":{"hello":"ann"}')
})

test.for(['SIGTERM', 'SIGINT'] as const)('%s ends it with 0', async (signal) => {
  await using server = await startServer()
  server.child.kill(signal)
  expect(await server.ended).toMatchObject({ code: 0, signal: null })
})

/** Starts a run that lasts a while, and resolves once it is in progress. */
async function startRun(server: Announcement, { lastsMs }: { readonly lastsMs: number }) {
  const key = readFileSync(server.adminKeyFile!, 'utf8').trim()
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const ask = (method: string, path: string, body: object) =>
    fetch(`${server.url}/v1/tenants/ann${path}`, { method, headers, body: JSON.stringify(body) })
  await ask('PUT', '', { policy: 'generous' })
  const pause = 'const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))\n'
  const long = `${pause}await context.kv.put('begun', true); await pause(${lastsMs}); return 'done'`
  const answer = ask('POST', '/execute', { code: long })
  // Handled later; until then a connection that is cut must not count as nobody's.
  answer.catch(() => {})
  const watch = `${pause}while ((await context.kv.get('begun')) !== true) await pause(5); return 'seen'`
  const seen = await ask('POST', '/execute', { code: watch })
  expect(await seen.json()).toMatchObject({ result: 'seen' })
  return { answer }
}

test('a run in progress is finished before it ends', async () => {
  await using server = await startServer()
  const { answer } = await startRun(server, { lastsMs: 300 })
  server.child.kill('SIGTERM')
  expect(await (await answer).json()).toMatchObject({ status: 'ok', result: 'done' })
  expect(await server.ended).toMatchObject({ code: 0 })
  const runs = await server.cloister(['runs', '--tenant', 'ann', '--json'])
  expect((JSON.parse(runs.stdout) as { runs: unknown[] }).runs).toHaveLength(2)
})

test('a second signal ends it at once', async () => {
  await using server = await startServer()
  const { answer } = await startRun(server, { lastsMs: 60_000 })
  server.child.kill('SIGTERM')
  await server.printed('stderr', 'SIGTERM: finishing what runs')
  server.child.kill('SIGTERM')
  expect(await server.ended).toMatchObject({ code: 143 })
  await expect(answer).rejects.toThrow('fetch failed')
})

test('a port in use is said without a stack, and how to choose another', async () => {
  using directory = createDirectory()
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { code, stdout, stderr } = await runProgram(['serve', '--port', String(port)], { cwd: directory.path })
  other.close()
  expect({ code, stdout }).toEqual({ code: 70, stdout: '' })
  expect(stderr).toContain(`cannot listen on 127.0.0.1 port ${port}: something else listens there`)
  expect(stderr).toContain('--port 0')
  expect(stderr).not.toContain('    at ')
})

test('other commands in its directory go through it, and a second server is refused', async () => {
  await using server = await startServer()
  writeFileSync(join(server.directory, 'one.js'), 'return 1')
  expect((await server.cloister(['run', 'one.js'])).stdout).toBe('1\n')
  expect((await server.cloister(['usage'])).stdout).toMatch(/^ +1 +\d+ /m)
  const second = await server.cloister(['serve', '--port', '0'])
  expect(second).toMatchObject({ code: 3, stdout: '' })
  expect(second.stderr).toContain(`error CONFLICT: `)
  expect(second.stderr).toContain(String(server.pid))
  const doctor = await server.cloister(['doctor', '--json'])
  expect(doctor.stdout).toContain(server.url)
})

test('CLOISTER_URL and CLOISTER_KEY point the commands at it, with no more rights than the key has', async () => {
  await using server = await startServer()
  using elsewhere = createDirectory()
  writeFileSync(join(elsewhere.path, 'one.js'), 'return 1')
  const cloister = (key: string | undefined, ...args: string[]) =>
    runProgram(args, {
      cwd: elsewhere.path,
      env: { CLOISTER_URL: server.url, ...(key !== undefined && { CLOISTER_KEY: key }) },
    })
  const admin = readFileSync(server.adminKeyFile!, 'utf8').trim()
  expect((await cloister(admin, 'run', 'one.js', '--tenant', 'ann')).code).toBe(3)
  expect((await cloister(admin, 'tenants', 'put', 'ann')).code).toBe(0)
  const key = (await cloister(admin, 'keys', 'create', '--tenant', 'ann')).stdout.trim()
  expect(await cloister(key, 'run', 'one.js', '--tenant', 'ann')).toMatchObject({ code: 0, stdout: '1\n' })
  expect((await cloister(key, 'bill', '--tenant', 'bob')).stderr).toContain('error FORBIDDEN')
  expect((await cloister(undefined, 'bill', '--tenant', 'ann')).stderr).toContain('CLOISTER_KEY')
  const policy = await cloister(admin, 'run', 'one.js', '--tenant', 'ann', '--policy', 'strict')
  expect(policy.code).toBe(2)
  expect(policy.stderr).toContain('cloister tenants put ann --policy strict')
})

test('an admin key of the operator is used and never written down', async () => {
  const key = 'operator-chosen-key-0123456789'
  await using server = await startServer({ CLOISTER_ADMIN_KEY: key })
  expect(server.adminKeyFile).toBeNull()
  const answer = await server.cloister(['tenants', 'put', 'ann'], { CLOISTER_ADMIN_KEY: key })
  expect(answer.code).toBe(0)
  const without = await server.cloister(['tenants'])
  expect(without.code).toBe(3)
  expect(without.stderr).toContain('CLOISTER_ADMIN_KEY')
})
