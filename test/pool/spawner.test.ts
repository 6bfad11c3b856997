import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, test } from 'vitest'
import { architectureOf } from '../../src/kernel/architecture.ts'
import type { OpenPath } from '../../src/kernel/landlock.ts'
import { type Libc, openLibc } from '../../src/kernel/libc.ts'
import { openFiles } from '../../src/pool/open-files.ts'
import { type Spawner, openSpawner } from '../../src/pool/spawner.ts'

const libc = openLibc()
const architecture = architectureOf(process.arch)
const folder = mkdtempSync(join(tmpdir(), 'cloister-spawner-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const onFailure = (error: Error): void => expect.unreachable(error.message)

/** What a program that is started sees, which locks nothing and is locked by nothing but its starter. */
const LOOK = `const fs = require('node:fs'), net = require('node:net')
const attempt = (action) => { try { action(); return 'done' } catch (error) { return error.code } }
const status = fs.readFileSync('/proc/self/status', 'latin1')
const found = {
  passwd: attempt(() => fs.readFileSync('/etc/passwd')),
  write: attempt(() => fs.writeFileSync(process.argv[2], '')),
  program: attempt(() => { const { error } = require('node:child_process').spawnSync('/bin/true'); if (error) throw error }),
  noNewPrivileges: /NoNewPrivs:\\s+1/.test(status),
  filters: Number(/Seccomp_filters:\\s+(\\d+)/.exec(status)?.[1] ?? 0),
  nice: require('node:os').getPriority(),
  environment: Object.keys(process.env).toSorted(),
  descriptors: fs.readdirSync('/proc/self/fd').map((fd) => { try { return fs.readlinkSync('/proc/self/fd/' + fd) } catch { return '' } }),
}
const socket = net.connect(9, '127.0.0.1')
const end = (error) => { fs.writeSync(3, JSON.stringify({ ...found, socket: error?.code ?? 'connected' })); process.exit() }
socket.on('error', end).on('connect', () => end())`
const script = join(folder, 'look.cjs')
writeFileSync(script, LOOK)
const planted = join(folder, 'planted')

interface Look {
  readonly passwd: string
  readonly write: string
  readonly program: string
  readonly noNewPrivileges: boolean
  readonly filters: number
  readonly nice: number
  readonly environment: readonly string[]
  readonly descriptors: readonly string[]
  readonly socket: string
}

async function look(spawner: Spawner): Promise<Look> {
  const args = ['--openssl-config=/dev/null', script, planted]
  const started = await spawner.spawn({ command: process.execPath, args, isWrapped: false })
  return JSON.parse(await text(started.socket)) as Look
}

const files: readonly OpenPath[] = openFiles({
  file: script,
  probe: script,
  addon: process.execPath,
  runtime: '',
  web: '',
})

describe.skipIf(libc === undefined || architecture === undefined)('what a thread has taken from itself', () => {
  test('what it starts never has: other files, programs, sockets, privileges', async () => {
    await using spawner = await openSpawner({ libc, files, onFailure })
    const { passwd, write, program, socket, noNewPrivileges, filters } = await look(spawner)
    expect({ passwd, write, socket, noNewPrivileges }).toEqual({
      passwd: 'EACCES',
      write: 'EACCES',
      socket: 'EPERM',
      noNewPrivileges: true,
    })
    expect(['EACCES', 'EPERM']).toContain(program)
    expect(filters).toBeGreaterThan(0)
  })

  test('nothing of a ring of io_uring is in what it starts, which would go round a later filter', async () => {
    await using spawner = await openSpawner({ libc, files, onFailure })
    expect((await look(spawner)).descriptors.filter((target) => target.includes('io_uring'))).toEqual([])
  })

  test('the host keeps: its own files, and what a thread that restricts nothing starts', async () => {
    await using _restricted = await openSpawner({ libc, files, onFailure })
    await using open = await openSpawner({ libc, onFailure })
    expect(await look(open)).toMatchObject({ passwd: 'done', program: 'done', noNewPrivileges: false })
    closeSync(openSync('/etc/passwd', 'r'))
  })

  test('what the host has inherited open is closed to what it starts', async () => {
    const secret = join(folder, 'secret')
    writeFileSync(secret, '')
    const descriptor = openSync(secret, 'r')
    // A copy that, unlike Node's own descriptors, programs inherit.
    const inherited = libc!.syscall(architecture!.number('dup')!, descriptor)
    try {
      await using spawner = await openSpawner({ libc, onFailure })
      expect((await look(spawner)).descriptors.filter((target) => target.includes(secret))).toEqual([])
    } finally {
      closeSync(descriptor)
      libc!.close(inherited)
    }
  })

  test('cells give way to the host, and have none of its variables', async () => {
    await using spawner = await openSpawner({ libc, onFailure })
    const { nice, environment } = await look(spawner)
    expect(nice).toBeGreaterThan(0)
    expect(environment).toEqual(['TZ', 'UV_THREADPOOL_SIZE'])
  })
})

describe.skipIf(libc === undefined)('a start that fails', () => {
  const nowhere = { command: join(folder, 'no-such-program'), args: [], isWrapped: false }

  test('rejects, and says why', async () => {
    await using spawner = await openSpawner({ libc, onFailure })
    await expect(spawner.spawn(nowhere)).rejects.toThrow(/could not start a cell process: .*ENOENT/)
    expect((await look(spawner)).passwd).toBe('done')
  })

  test('for want of descriptors rejects: it must not throw at whoever only wanted another blank cell', async () => {
    const poor: Libc = {
      ...libc!,
      socketPair() {
        throw new Error('the system has no more sockets')
      },
    }
    await using spawner = await openSpawner({ libc: poor, onFailure })
    const asked = spawner.spawn(nowhere)
    await expect(asked).rejects.toThrow('no more sockets')
  })

  test('by a wrapper that ends without naming its child rejects with its last words', async () => {
    await using spawner = await openSpawner({ libc, onFailure })
    const wrapper = { command: '/bin/sh', args: ['-c', 'echo no namespaces here >&2; exit 1'], isWrapped: true }
    await expect(spawner.spawn(wrapper)).rejects.toThrow(/no namespaces here/)
  })
})
