import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createDirectory, runProgram } from './command-line.ts'

const directory = createDirectory()
afterAll(() => directory[Symbol.dispose]())

function cloister(args: readonly string[], input?: string) {
  return runProgram(args, { cwd: directory.path, ...(input !== undefined && { input }) })
}

function write(name: string, content: string | Uint8Array): string {
  const path = join(directory.path, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return name
}

write(
  'node_modules/greeting/package.json',
  JSON.stringify({ name: 'greeting', exports: { '.': { workerd: './worker.js', default: './node.js' } } }),
)
write('node_modules/greeting/worker.js', 'export const greet = (name) => `hello ${name}`')
write('node_modules/greeting/node.js', 'import "node:fs"')
write(
  'lib/shout.ts',
  'export function shout(text: string): string {\n  if (text === "") throw new RangeError("nothing to shout")\n  return text.toUpperCase()\n}\n',
)
write('data.json', '{"by":"ann"}')
write('add.wasm', Buffer.from('AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=', 'base64'))

test('a file runs with what it imports: its own files, packages by their export for workers, data and WebAssembly', async () => {
  const code = `import { greet } from 'greeting'\nimport { shout } from './lib/shout.ts'\nimport data from './data.json'
import add from './add.wasm'\nexport default async (name: string) => [shout(greet(name)), data.by, new WebAssembly.Instance(add).exports.add(1, 2), (await import('./lib/shout.ts')).shout('x')]\n`
  const { code: exit, stdout, stderr } = await cloister(['run', write('main.ts', code), '--input', '"bob"'])
  expect(stderr).toMatch(/^REPORT .* ok /)
  expect({ exit, stdout }).toEqual({ exit: 0, stdout: '["HELLO BOB","ann",3,"X"]\n' })
})

test('a body of a function may import, too, and so may standard input', async () => {
  const code = `const { shout } = await import('./lib/shout.ts'); return shout(input)`
  expect((await cloister(['run', write('body.js', code), '--input', '"a"'])).stdout).toBe('"A"\n')
  expect((await cloister(['run', '-', '--input', '"b"'], code)).stdout).toBe('"B"\n')
})

test('stacks and logs name the lines of the files that the code was bundled from', async () => {
  const code = `import { shout } from '../lib/shout.ts'\n\nexport default () => {\n  console.log(new Error('seen').stack)\n  return shout('')\n}\n`
  const file = write('src/boom.ts', code)
  const { code: exit, stderr } = await cloister(['run', file])
  expect(exit).toBe(1)
  expect(stderr).toMatch(/Error: seen\n +at .*src\/boom\.ts:4:15/)
  expect(stderr).toMatch(/RangeError: nothing to shout\n +at .*lib\/shout\.ts:2:\d+\)?\n +at .*src\/boom\.ts:5:10/)
  const { stdout } = await cloister(['run', file, '--json'])
  expect((JSON.parse(stdout) as { error: { stack: string } }).error.stack).toContain('lib/shout.ts:2:')
  const body = `const { shout } = await import('./lib/shout.ts'); throw new Error('first line')`
  const first = await cloister(['run', write('body.js', body)])
  expect(first.stderr).toContain(`body.js:1:${body.indexOf('new Error') + 1}`)
})

test('what cannot be bundled is a usage error with its place, and says what to do', async () => {
  const missing = await cloister(['run', write('missing.js', `import a from '@scope/absent/deep'\nexport default a`)])
  expect(missing).toMatchObject({ code: 2, stdout: '' })
  expect(missing.stderr).toContain('missing.js:1:15: Could not resolve "@scope/absent/deep"')
  expect(missing.stderr).toContain('next: npm install @scope/absent\n')
  const builtin = await cloister([
    'run',
    write('builtin.js', `import { readFileSync } from 'node:fs'\nexport default readFileSync`),
  ])
  expect(builtin.stderr).toContain('"node:fs" is built into Node.js, and a guest has none of that')
  const broken = await cloister(['run', write('broken.js', `import './data.json'\nexport default () => {`)])
  expect(broken).toMatchObject({ code: 2 })
  expect(broken.stderr).toContain('broken.js:2:')
})
