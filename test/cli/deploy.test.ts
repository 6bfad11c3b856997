import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { startServer } from '../e2e/server.ts'
import { createDirectory, runProgram } from './command-line.ts'

const directory = createDirectory()
afterAll(() => directory[Symbol.dispose]())

function write(name: string, content: string): string {
  const path = join(directory.path, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return name
}

test('a folder is deployed with what it imports, called, promoted and taken back', async () => {
  await using server = await startServer()
  await server.tenant('local')
  const env = { CLOISTER_URL: server.url, CLOISTER_KEY: server.adminKey }
  const cloister = (...args: string[]) => runProgram(args, { cwd: directory.path, env })
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await cloister(...args, '--json')
    return { code, body: JSON.parse(stdout === '' ? stderr : stdout) }
  }
  write('node_modules/polite/package.json', JSON.stringify({ name: 'polite', exports: './main.js' }))
  write('node_modules/polite/main.js', 'export const greet = (hi, name) => `${hi} ${name}`')
  const config = { env: { HI: 'hello', MORE: '1' } }
  write('app/cloister.json', JSON.stringify({ name: 'greet', main: 'src/main.ts', config }))
  write(
    'app/src/main.ts',
    `import { greet } from 'polite'\nexport default (input: any, { env }: any) => greet(env.HI, input.name)\n`,
  )
  expect(await json('deploy', 'app')).toMatchObject({ code: 0, body: { name: 'greet', version: 1 } })
  const called = await cloister('invoke', 'greet', '--input', '{"name":"ann"}')
  expect([called.code, called.stdout]).toEqual([0, '"hello ann"\n'])
  expect((await json('deploy', 'app', '--env', 'HI=servus', '--no-publish')).body.version).toBe(2)
  expect((await json('invoke', 'greet', '--input', '{"name":"bob"}')).body.result).toBe('hello bob')
  expect((await json('invoke', 'greet', '--input', '{"name":"bob"}', '--at', '2')).body.result).toBe('servus bob')
  expect((await json('promote', 'greet', '2', '--percent', '25')).body.weights).toEqual({ '1': 75, '2': 25 })
  const table = (await cloister('versions', 'greet')).stdout
  expect(table).toMatch(/2 +live 25 % .*\n +1 +live 75 % /)
  expect((await json('rollback', 'greet')).body).toMatchObject({ version: 1, from: 2 })
  expect((await json('promote', 'greet', '2')).body).toMatchObject({ version: 2, previous: 1 })
  expect((await cloister('functions')).stdout).toMatch(/function +live +latest.*\ngreet +2 +2 /)

  write(
    'app/src/broken.ts',
    `import { greet } from 'polite'\n\nconst text: string = greet('a', 'b')\nthrow new Error(text)\nexport default 1\n`,
  )
  const broken = await cloister('deploy', 'app/src/broken.ts')
  expect(broken.code).toBe(2)
  expect(broken.stderr).toMatch(/error INVALID_CODE: .*Error: a b .*app\/src\/broken\.ts:4:7/)
  write('bad/cloister.json', '{"nam":"x","config":[]}')
  const bad = await cloister('deploy', 'bad')
  expect(bad).toMatchObject({ code: 2 })
  for (const fault of ['"nam" is unknown', '"main" must', '"name" must', '"config" must']) {
    expect(bad.stderr).toContain(fault)
  }
  expect((await json('invoke', 'none')).body.error.code).toBe('NOT_FOUND')
  write('fails.js', 'export default () => { throw new TypeError("no") }')
  await cloister('deploy', 'fails.js', '--timeout', '5000')
  expect(await cloister('invoke', 'fails')).toMatchObject({ code: 1, stderr: expect.stringContaining('TypeError: no') })
})
