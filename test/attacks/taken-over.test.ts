import { build } from 'esbuild'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { LEVELS_HERE, type PoolHarness, openPool } from '../pool/harness.ts'

/**
 * What an attacker has who owns a cell: its own realm, native code, and the socket to the host. It must own nothing.
 * Each is tried at both levels of the operating-system wall.
 */
const LEVELS = LEVELS_HERE.filter((level) => level !== 'C')

const EPERM = -1

describe.each(LEVELS)('a cell of level %s that was taken over', (level) => {
  let cells: PoolHarness
  beforeAll(async () => {
    vi.stubEnv('CLOISTER_ADMIN_KEY', 'secret-of-the-host-0123456789')
    cells = await openPool({ blankCells: 1, walls: level, program: takenOver })
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await cells?.[Symbol.asyncDispose]()
  })
  const inside = (code: string, options = {}) => cells.value(code, { tenant: 'mallory', ...options })

  test('A-901 opens no file and lists no folder, natively or not', async () => {
    const paths = [
      '/etc/passwd',
      '/etc/shadow',
      '/proc/1/environ',
      '/proc/self/mem',
      '/proc/self/maps',
      '/',
      '.',
      '/dev/null',
      '/sys',
    ]
    const code = `
      const fs = node('node:fs')
      const read = (path) => { try { fs.readFileSync(path); return 'read' } catch (error) { return error.code } }
      return input.map((path) => [native.call('openat', -100, path, 0), native.call('open', path, 0), read(path)])`
    expect(await inside(code, { input: paths })).toEqual(paths.map(() => [EPERM, EPERM, 'ERR_ACCESS_DENIED']))
  })

  test('A-902 writes no file, makes none, and has none to write to', async () => {
    const code = `return [
      native.call('openat', -100, '/tmp/planted', 0o102, 0o600), native.call('mkdirat', -100, '/tmp/planted', 0o700),
      native.call('memfd_create', 'x', 0), native.call('unlinkat', -100, '/etc/passwd', 0), native.call('fchmodat', -100, '/etc', 0)]`
    expect(await inside(code)).toEqual([EPERM, EPERM, EPERM, EPERM, EPERM])
  })

  test('A-903 opens no socket of any family and finds none but its own', async () => {
    const code = `
      const opened = []
      for (let family = 1; family < 46; family += 1) for (const type of [1, 2, 3]) {
        if (native.call('socket', family, type, 0) !== ${EPERM}) opened.push(family)
      }
      return [opened, native.call('connect', 3, '', 0), native.call('sendmsg', 3, 0, 0), native.call('socketpair', 1, 1, 0, 0)]`
    expect(await inside(code)).toEqual([[], EPERM, EPERM, EPERM])
  })

  test('A-904 starts no program and no process, and sees and signals none', async () => {
    const code = `return [
      native.call('execve', '/bin/sh', 0, 0), native.call('clone', 17, 0, 0, 0, 0), native.call('kill', input.host, 0),
      native.call('tgkill', input.host, input.host, 0), native.call('ptrace', 16, input.host, 0, 0),
      native.call('process_vm_readv', input.host, 0, 0, 0, 0, 0), native.call('pidfd_open', input.host, 0),
      native.call('kill', -1, 0), native.call('setpriority', 0, input.host, 19)]`
    expect(await inside(code, { input: { host: process.pid } })).toEqual(Array(9).fill(EPERM))
  })

  test('A-905 has no environment, no argument and no memory with a secret of the host’s in it', async () => {
    const code = `return [Object.keys(process.env).toSorted(), process.argv.slice(2).length, process.execArgv.some((arg) => arg.includes(input))]`
    const [variables, args, leaks] = (await inside(code, { input: 'secret-of-the-host' })) as [
      string[],
      number,
      boolean,
    ]
    // What bubblewrap adds tells the folder that it was started in.
    expect(variables.filter((name) => name !== 'PWD')).toEqual(['TZ', 'UV_THREADPOOL_SIZE'])
    expect([args, leaks]).toEqual([3, false])
  })

  test('A-906 regains nothing that it has given up', async () => {
    const code = `
      const attempt = (action) => { try { action(); return 'done' } catch (error) { return error.code } }
      return [
        attempt(() => node('node:ffi').dlopen('libc.so.6', {})), attempt(() => process.dlopen({ exports: {} }, '/x.node')),
        attempt(() => new (node('node:worker_threads').Worker)('', { eval: true })), attempt(() => node('node:child_process').spawnSync('/bin/sh').pid || (() => { throw { code: 'no pid' } })()),
        native.call('setresuid', 0, 0, 0), native.call('prctl', 4, 1), native.call('prlimit64', 0, 7, 'xxxxxxxxxxxxxxxx', 0), native.call('seccomp', 1, 0, 0),
        native.call('unshare', 0x10000000), native.call('io_uring_setup', 8, 0), native.call('capset', 0, 0)]`
    const [ffi, addon, thread, program, ...calls] = (await inside(code)) as (string | number)[]
    expect([ffi, addon, thread]).toEqual(Array(3).fill('ERR_ACCESS_DENIED'))
    expect(['ERR_ACCESS_DENIED', 'no pid']).toContain(program)
    expect(calls).toEqual(Array(7).fill(EPERM))
  })

  test('A-907 runs as nobody where its host is root, and never with a capability', async () => {
    const uid = level === 'B' && process.getuid?.() !== 0 ? process.getuid?.() : 65_534
    expect(await inside('return [process.getuid(), process.getgid()]')).toEqual([uid, expect.any(Number)])
    const cell = cells.pool.cells().find(({ tenant }) => tenant === 'mallory')
    const status = readFileSync(`/proc/${cell?.pid}/status`, 'latin1')
    expect(status).toMatch(/CapEff:\s+0{16}/)
    expect(status).toMatch(/NoNewPrivs:\s+1/)
    expect(status).toMatch(/Seccomp:\s+2/)
  })

  test('A-908 cannot name another tenant: what it says of runs that are not its own ends it', async () => {
    const code = `wire.send((batch) => wire.fromCell.done(batch, wire.run + 1, 'ok', 'warm', '"forged"')); await new Promise(() => {})`
    const report = await cells.run(code, { tenant: 'forger' })
    expect(report).toMatchObject({ status: 'crashed', killReason: 'protocol' })
  })

  test('A-909 cannot lie about time: it is charged from when it could have begun to when it answered', async () => {
    const busy = `const until = performance.now() + 300; while (performance.now() < until); return 1`
    const { status, wall, cpu } = await cells.run(busy, { tenant: 'slow' })
    expect(status).toBe('ok')
    expect(wall).toBeGreaterThanOrEqual(299_000)
    expect(cpu).toBeGreaterThan(0)
  })

  test('A-910 cannot stay past its deadline, whatever it does with its own timers', async () => {
    const { status, killReason } = await cells.run('for (;;);', { tenant: 'stayer', wallMs: 200 })
    expect({ status, killReason }).toEqual({ status: 'timeout', killReason: 'deadline' })
  })

  test('A-911 cannot hide memory: the kernel counts it, the watchdog kills', async () => {
    const hoard = 'const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 1))'
    const { status, killReason, peakMemory } = await cells.run(hoard, { tenant: 'hoarder' })
    expect({ status, killReason }).toEqual({ status: 'memory-exceeded', killReason: 'memory' })
    expect(peakMemory).toBeGreaterThan(128 * 2 ** 20)
  })
})

function takenOver<Program extends { readonly file: string }>(program: Program, directory: string): Program {
  const file = join(directory, 'taken-over-cell.cjs')
  writeFileSync(file, bundle)
  return { ...program, file }
}

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('./taken-over-cell.ts', import.meta.url))],
  bundle: true,
  write: false,
  format: 'cjs',
  platform: 'node',
  target: 'node26',
  logLevel: 'silent',
})
const bundle = outputFiles[0]!.text
