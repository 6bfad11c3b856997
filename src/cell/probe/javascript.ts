import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { Attempt } from '../../wire/probe.ts'

/** How long an asynchronous attempt may take until it counts as let through. In ms. */
const PATIENCE_MS = 2_000

/** What JavaScript of an attacker would try in a cell's own realm. Nothing that is tried lasts, should it succeed. */
export async function tryJavaScript(neighbour: number): Promise<readonly Attempt[]> {
  const atOnce: readonly (readonly [name: string, action: () => unknown])[] = [
    ['read /etc/passwd', () => readFileSync('/etc/passwd')],
    ['list /', () => readdirSync('/')],
    ['list /proc', () => readdirSync('/proc')],
    ['write a file', () => writeFileSync('/nowhere/cloister-probe', '')],
    ['start a program', () => raise(spawnSync(process.execPath, ['--version']).error)],
    ['start a thread', () => void new Worker('', { eval: true }).terminate()],
    ['signal another process', () => process.kill(neighbour, 0)],
    ['load an addon', () => process.dlopen({ exports: {} }, '/nowhere.node')],
    ['call C', () => process.getBuiltinModule('node:ffi').dlopen('libc.so.6', {})],
    ['open the inspector', () => process.getBuiltinModule('node:inspector').open(0)],
    ['change the folder', () => process.chdir('/')],
  ]
  const later: readonly (readonly [name: string, action: (settle: (error?: unknown) => void) => void])[] = [
    ['connect over TCP', (settle) => void connect(9, '127.0.0.1', () => settle()).on('error', settle)],
    ['connect to a Unix socket', (settle) => void connect('/nowhere', () => settle()).on('error', settle)],
    ['listen on TCP', (settle) => listen(settle)],
    [
      'bind UDP',
      (settle) =>
        void createSocket('udp4')
          .on('error', settle)
          .bind(0, () => settle()),
    ],
    ['look up a name', (settle) => lookup('localhost', (error) => settle(error ?? undefined))],
    ['read a file on a thread', (settle) => readAside(settle)],
  ]
  return [...atOnce.map(([name, action]) => tryNow(name, action)), ...(await Promise.all(later.map(tryLater)))]
}

function raise(error: Error | undefined): void {
  if (error !== undefined) throw error
}

/** A refusal comes as an exception of its own, from nowhere. */
function listen(settle: (error?: unknown) => void): void {
  process.once('uncaughtException', settle)
  createServer()
    .on('error', settle)
    .listen(0, '127.0.0.1', () => settle())
}

function readAside(settle: (error?: unknown) => void): void {
  void import('node:fs/promises').then(({ readFile }) => readFile('/etc/passwd')).then(() => settle(), settle)
}

function tryNow(name: string, action: () => unknown): Attempt {
  try {
    action()
    return verdict(name, undefined)
  } catch (error) {
    return verdict(name, error)
  }
}

function tryLater([name, action]: readonly [string, (settle: (error?: unknown) => void) => void]): Promise<Attempt> {
  return new Promise((resolve) => {
    const settle = (error?: unknown): void => {
      clearTimeout(timer)
      resolve(verdict(name, error))
    }
    const timer = setTimeout(settle, PATIENCE_MS)
    try {
      action(settle)
    } catch (error) {
      settle(error)
    }
  })
}

/** Whatever keeps it from happening is a refusal, but for answers of something that was reached. */
const REACHED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EADDRINUSE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_DLOPEN_FAILED',
])

function verdict(name: string, error: unknown): Attempt {
  if (error === undefined) return { name, from: 'javascript', refused: false, detail: 'it worked' }
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  return { name, from: 'javascript', refused: !REACHED.has(code), detail: code.slice(0, 200) }
}
