import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createDirectory, startProgram } from './command-line.ts'

const directory = createDirectory()
afterAll(() => directory[Symbol.dispose]())

function write(name: string, content: string): void {
  writeFileSync(join(directory.path, name), content)
}

test('a project is deployed again when a file of it changes, its runs are shown with its own lines, and it ends cleanly', async () => {
  mkdirSync(join(directory.path, 'app/lib'), { recursive: true })
  write('app/cloister.json', JSON.stringify({ name: 'greet', main: 'main.ts', config: { env: { HI: 'hello' } } }))
  write(
    'app/main.ts',
    `import { word } from './lib/word.ts'\nexport default (input: { n: number }, { env }: any) => {\n  if (input.n === 0) throw new Error('none')\n  console.log('said', word)\n  return env.HI + word\n}\n`,
  )
  write('app/lib/word.ts', `export const word: string = ' one'\n`)
  await using dev = startProgram(['dev', 'app', '--port', '0', '--json'], { cwd: directory.path })
  const events = async (mark: string): Promise<any[]> =>
    (await dev.printed('stdout', mark))
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  const { url, key } = (await events('"listening"')).find(({ event }) => event === 'listening')
  const invoke = async (n: number): Promise<any> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify({ input: { n } }) }
    return (await fetch(`${url}/v1/tenants/local/functions/greet/invoke`, init)).json()
  }
  expect(await invoke(1)).toMatchObject({ result: 'hello one', version: 1 })
  expect(JSON.stringify(await events('said'))).toContain('said  one')
  await invoke(0)
  await dev.printed('stdout', 'app/main.ts:3:')

  write('app/lib/word.ts', `export const word: string = ' two'\n`)
  await dev.printed('stdout', '"version":2')
  expect((await invoke(1)).result).toBe('hello two')
  write('app/lib/word.ts', `export const word = )\n`)
  await dev.printed('stdout', '"failed"')
  expect((await invoke(1)).result).toBe('hello two')
  write('app/lib/word.ts', `export const word = ' two'\n`)
  write('app/cloister.json', JSON.stringify({ name: 'greet', main: 'main.ts', config: { env: { HI: 'servus' } } }))
  await dev.printed('stdout', '"version":3')
  expect((await invoke(1)).result).toMatch(/^servus /)

  dev.child.kill('SIGINT')
  expect((await dev.ended).code).toBe(0)
})
