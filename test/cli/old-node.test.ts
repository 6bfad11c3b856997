import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createDirectory, runProgram, startProgram } from './command-line.ts'

const directory = createDirectory()
afterAll(() => directory[Symbol.dispose]())

/** An environment in which every Node runs some code before its program. */
function preload(code: string): Readonly<Record<string, string>> {
  const path = join(directory.path, `${randomUUID()}.cjs`)
  writeFileSync(path, code)
  return { NODE_OPTIONS: `--require=${path}` }
}

/** A Node of this machine that is too old to run Cloister itself. */
function findOldNode(): string | undefined {
  const folders = ['/usr/bin', '/usr/local/bin', ...(process.env['PATH'] ?? '').split(delimiter)]
  return folders
    .map((folder) => join(folder, 'node'))
    .find((path) => {
      if (!existsSync(path)) return false
      const major = Number.parseInt(execFileSync(path, ['--version'], { encoding: 'utf8' }).slice(1), 10)
      return major >= 18 && major < 26
    })
}

const oldNode = findOldNode()
if (oldNode === undefined)
  console.warn('SKIPPED: there is no Node from 18 to 25 on this machine to start the program with')

describe.skipIf(oldNode === undefined)('started with an older Node', () => {
  const node = oldNode ?? ''
  // Every Node that starts says so, and nobody else prints its version.
  const announcing = preload('console.error(process.version)')

  test('the program runs on Node 26 with its arguments and prints no warning', async () => {
    const { code, stdout, stderr } = await runProgram(['--version'], { node })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    const seen = await runProgram(['--version'], { node, env: announcing })
    expect(seen.stderr).toMatch(/^v(18|19|2[0-5])\..*\nv26\..*\n$/)
  })

  test('standard input and the exit code pass through', async () => {
    expect(await runProgram(['policy', 'check', '-'], { node, input: '{"name":"mine"}' })).toMatchObject({ code: 0 })
    expect(await runProgram(['policy', 'check', '-'], { node, input: '{"name":1}' })).toMatchObject({ code: 2 })
  })

  test.for(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s reaches the program, and both end of it', async (signal) => {
    await using program = startProgram(['policy', 'check', '-'], { node, env: announcing })
    await program.printed('stderr', 'v26.')
    program.child.kill(signal)
    // The streams close only when the second Node is gone as well.
    expect(await program.ended).toMatchObject({ code: null, signal })
  })

  test('the program does not outlive the older Node that is killed', async () => {
    await using program = startProgram(['policy', 'check', '-'], { node, env: announcing })
    await program.printed('stderr', 'v26.')
    program.child.kill('SIGKILL')
    expect(await program.ended).toMatchObject({ code: null, signal: 'SIGKILL' })
  })

  test('a server ends in an orderly way when it is asked to', async () => {
    using data = createDirectory()
    await using server = startProgram(['serve', '--port', '0', '--json', '--data', data.path], { node })
    await server.printed('stdout', '\n')
    server.child.kill('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0, signal: null })
  })

  test('Ctrl-C, which reaches both processes, is one request and not two', async () => {
    using data = createDirectory()
    const args = ['serve', '--port', '0', '--json', '--data', data.path]
    await using server = startProgram(args, { node, group: 'own' })
    await server.printed('stdout', '\n')
    process.kill(-server.child.pid!, 'SIGINT')
    expect(await server.ended).toMatchObject({ code: 0, signal: null })
  })

  test('its own variable does not reach the program', async () => {
    const env = preload(`
      process.on('exit', () => console.error(Object.keys(process.env).filter((name) => name.startsWith('CLOISTER_R'))))
    `)
    const { stderr } = await runProgram(['--version'], { node, env })
    expect(stderr).toBe('[]\n[]\n')
  })
})
