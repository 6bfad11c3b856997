import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunOptions } from '../pool/harness.ts'
import { type Guest, openGuest } from './guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

/** A module that exports `add`, in base64. */
const ADD = 'AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags='
const LATER = 'new Promise((resolve) => setTimeout(resolve, 5))'

const value = (code: string, modules: RunOptions['modules'] = {}, options: RunOptions = {}) =>
  guest.value(code, { ...options, modules })

async function errorOf(code: string, modules: RunOptions['modules'] = {}, options: RunOptions = {}): Promise<string> {
  const { status, error } = await guest.run(code, { ...options, modules })
  expect(status).toBe('error')
  return `${error?.name}: ${error?.message}`
}

describe('an import', () => {
  test('of a module beside or above finds it, and cycles are no harm', async () => {
    const code = `import { b } from './lib/b.js'; export const a = () => 2; export default () => b()`
    expect(await value(code, { 'lib/b.js': `import { a } from '../main.js'; export const b = () => a() + 1` })).toBe(3)
  })

  test('of data gives it as the default export, by name or by the type that the import says', async () => {
    const code = `import json from './a.json' with { type: 'json' }; import same from './a.json'; import text from './a.txt'
      import source from './b.js' with { type: 'text' }; import bytes from './a.bin'; import raw from './a.wasm' with { type: 'bytes' }
      export default () => [json, json === same, Object.hasOwn(json, '__proto__'), text, source, bytes instanceof Uint8Array && [...bytes], raw.length]`
    const json = '{"a":[1],"__proto__":{}}'
    const modules = { 'a.json': json, 'a.txt': 'é"\u2028', 'b.js': 'let x', 'a.bin': 'AAEC', 'a.wasm': ADD }
    expect(await value(code, modules)).toEqual([JSON.parse(json), true, true, 'é"\u2028', 'let x', [0, 1, 2], 41])
  })

  test.each([`import add from './add.wasm'`, `import source add from './add.wasm'`])(
    '%s gives a WebAssembly module',
    async (line) => {
      const code = `${line}\nexport default () => [add instanceof WebAssembly.Module, new WebAssembly.Instance(add).exports.add(2, 3)]`
      expect(await value(code, { 'add.wasm': ADD })).toEqual([true, 5])
      expect(await errorOf(code, { 'add.wasm': ADD }, { engine: { wasm: false } })).toMatch(
        /there is no WebAssembly here/,
      )
    },
  )

  test('of the source of JavaScript, which V8 would crash over, is a SyntaxError', async () => {
    expect(await errorOf(`import source a from './a.js'; export default 1`, { 'a.js': '' })).toMatch(
      /^SyntaxError: only WebAssembly/,
    )
    // Text that the lexer cannot read, and that might hide one, is not compiled.
    expect(await errorOf(`import source a from './a.js'; export default 1; )`, { 'a.js': '' })).toMatch(/^SyntaxError/)
  })

  test.each([
    ['zod', 'bundle packages into the code'],
    ['node:fs', 'no built-in modules of Node.js'],
    ['fs', 'no built-in modules of Node.js'],
    ['https://example.com/a.js', 'nothing is imported by URL'],
    ['/lib.js', 'begins with ./ or ../'],
    ['./Lib.js', `there is no module 'Lib.js'; import './lib.js'`],
    ['./lib', `import './lib.js'`],
    ['./dir', `import './dir/index.js'`],
    ['./more/', `'more/' is a folder`],
    ['./typed.js', `import './typed.ts'`],
    ['../lib.js', 'leads out of the submitted modules'],
    ['./absent.js', `there is no module 'absent.js'`],
  ])('of %s says what to do instead', async (specifier, advice) => {
    const modules = { 'lib.js': '', 'dir/index.js': '', 'more/a.txt': '', 'typed.ts': '' }
    const error = await errorOf(`import '${specifier}'; export default () => 1`, modules)
    expect(error).toContain(`TypeError: main.js imports '${specifier}'`)
    expect(error).toContain(advice)
  })

  test('with a type that does not fit is refused', async () => {
    const importing = (attributes: string) => `${attributes}; export default 1`
    expect(await errorOf(importing(`import a from './a.js' with { type: 'json' }`), { 'a.js': '' })).toContain(
      'which it is not by its name',
    )
    expect(await errorOf(importing(`import a from './a.json' with { type: 'css' }`), { 'a.json': '{}' })).toContain(
      'json, text and bytes',
    )
    expect(await errorOf(importing(`import a from './a.json'`), { 'a.json': '{,}' })).toMatch(
      /^SyntaxError: .*\[a\.json\]$/,
    )
  })
})

describe('import()', () => {
  test('gives the namespace of a module, evaluated once, in a module, in a body of a function and at the top level', async () => {
    const modules = { 'a.js': 'globalThis.count = (globalThis.count ?? 0) + 1; export default 3' }
    const twice = `const [a, b] = await Promise.all([import('./a.js'), import(\`./\${'a'}.js\`)])`
    expect(await value(`${twice}; return [a === b, a.default, count]`, modules)).toEqual([true, 3, 1])
    expect(await value(`export default async () => { ${twice}; return [a === b, a.default, count] }`, modules)).toEqual(
      [true, 3, 1],
    )
    expect(await value(`${twice}; export default () => [a === b, a.default, count]`, modules)).toEqual([true, 3, 1])
  })

  test('waits for the top level of the module, and takes types and sources as static imports do', async () => {
    const code = `const { slow } = await import('./slow.js'), { default: json } = await import('./a.json', { with: { type: 'json' } })
      return [slow, json, new WebAssembly.Instance(await import.source('./add.wasm')).exports.add(1, 2)]`
    const modules = { 'slow.js': `await ${LATER}; export const slow = 7`, 'a.json': '[1]', 'add.wasm': ADD }
    expect(await value(code, modules)).toEqual([7, [1], 3])
  })

  test('rejects with what the module throws, each time, at once or later', async () => {
    const code = `const ends = []; for (const name of ['now', 'now', 'late', 'late']) await import(\`./\${name}.js\`).catch((error) => ends.push([error instanceof RangeError, error.message, error.stack.split('\\n')[1]]))
      return ends`
    const modules = { 'now.js': `throw new RangeError('no')`, 'late.js': `await ${LATER}; throw new RangeError('no')` }
    const [now, late] = [
      [true, 'no', '    at now.js:1:7'],
      [true, 'no', expect.stringContaining('late.js:1:')],
    ]
    expect(await value(code, modules)).toEqual([now, now, late, late])
  })

  test('rejects for what cannot be linked, and does not throw', async () => {
    const code = `const ends = []; for (const what of ['./broken.js', './broken.js', './bad.js', './bad.js', './absent.js', 'zod', Symbol()]) {
        const promise = import(what); await promise.catch((error) => ends.push(error.name)) } return ends`
    const modules = { 'broken.js': 'let a = ;', 'bad.js': `import { b } from './b.js'`, 'b.js': '' }
    const syntax = Array.from({ length: 4 }, () => 'SyntaxError')
    expect(await value(code, modules)).toEqual([...syntax, 'TypeError', 'TypeError', 'TypeError'])
  })

  test('works again in the next run of a realm that is kept', async () => {
    const code = `let runs = 0; export default async () => [++runs, (await import('./a.js')).default]`
    const modules = { 'a.js': 'let evaluated = 0; export default ++evaluated' }
    const options = { reuse: 'function' } as const
    expect([await value(code, modules, options), await value(code, modules, options)]).toEqual([
      [1, 1],
      [2, 1],
    ])
  })

  test('leaves lines and columns as they are', async () => {
    const code = `export default async () => { await import('./a.js'); throw new Error(import.meta.url) }`
    const { error } = await guest.run(code, { modules: { 'a.js': '' } })
    expect(error).toMatchObject({ message: 'cloister:///main.js' })
    expect(error?.stack).toContain(`main.js:1:${code.indexOf('new Error') + 1}`)
  })

  test('of more modules than may wait is rejected, and one that loops ends with the run', async () => {
    const many = `const all = await Promise.allSettled(Array.from({ length: 1_200 }, () => import('./a.js')))
      return [all.filter(({ status }) => status === 'fulfilled').length, all.at(-1).reason.message]`
    expect(await value(many, { 'a.js': '' })).toEqual([1_000, expect.stringContaining('too many imports')])
    expect((await guest.run(`await import('./a.js')`, { modules: { 'a.js': 'for (;;);' }, wallMs: 100 })).status).toBe(
      'timeout',
    )
  })

  test('gives nothing else to a guest that imports what is generated around its modules', async () => {
    const code = `import * as door from 'cloister:door'
      export default async () => { const ends = [Object.keys(door)]
        for (const load of [() => door.load({ toString: () => '../..\\nwasm' }, '/etc/passwd'), () => door.load('a\\nb\\nc', './main.js'), () => door.load('a/b.js', '../main.js')])
          await load().then((found) => ends.push(typeof found.default), (error) => ends.push(error.name))
        return ends }`
    const names = ['bind', 'bytes', 'json', 'load', 'wasm']
    expect(await value(code)).toEqual([names, 'TypeError', 'TypeError', 'function'])
  })
})

describe('a top-level await', () => {
  test('of a timer is waited for before the function is called, in main and in what it imports', async () => {
    const code = `import { b } from './b.js'; const a = await ${LATER}.then(() => 1); export default () => [a, b]`
    expect(await value(code, { 'b.js': `await ${LATER}; export const b = 2` })).toEqual([1, 2])
  })

  test('that is rejected ends the run with that error; another rejection does not', async () => {
    expect(await errorOf(`await ${LATER}.then(() => { throw new RangeError('late') }); export default 1`)).toBe(
      'RangeError: late',
    )
    const code = `Promise.reject(new Error('stray')); await ${LATER}; Promise.reject(new Error('more')); await ${LATER}; export default () => 1`
    expect(await guest.logs(code)).toEqual([expect.stringContaining('stray'), expect.stringContaining('more')])
  })

  test('of nothing that can come is an error that says so, and one that loops is a timeout', async () => {
    expect(await errorOf('await new Promise(() => {}); export default 1')).toContain(
      'the top-level await of the code will never settle: it waits for a promise that nothing can settle',
    )
    expect(await errorOf(`await import('./main.js'); export default 1`)).toContain('nothing can settle')
    expect((await guest.run('await 1; for (;;);\nexport default 1', { wallMs: 100 })).status).toBe('timeout')
    expect(
      (await guest.run('await new Promise((end) => setTimeout(end, 9_000)); export default 1', { wallMs: 100 })).status,
    ).toBe('timeout')
  })
})

describe('TypeScript that is more than types', () => {
  const typescript = { typescript: true } as const

  test('is a SyntaxError with its line and column, in a body as well', async () => {
    expect(await errorOf('const a: number = 1\n  enum B { C }\nexport default a', {}, typescript)).toMatch(
      /^SyntaxError: .*enum.*\[main\.ts:2:3\]$/,
    )
    expect(await errorOf('  enum B { C }', {}, typescript)).toMatch(/\[main\.ts:1:3\]$/)
    expect(await errorOf('const a: = 1\nexport default a', {}, typescript)).toMatch(/\[main\.ts:1:10\]$/)
  })

  test('a type that is imported as a value is pointed out', async () => {
    const code = `import { T } from './t.ts'; export default (x: T) => x`
    expect(await errorOf(code, { 't.ts': 'export interface T {}' }, typescript)).toContain('write `import type`')
  })
})
