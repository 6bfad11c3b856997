import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytes } from '../../src/core/quantity.ts'
import { type Submission, createArtifacts } from '../../src/functions/artifacts.ts'

const artifacts = createArtifacts({ cacheSize: bytes(1 << 20) })
const build = (submission: unknown) => artifacts.build(submission as Submission)

test('code alone is one module, named after its language', () => {
  const javascript = build({ code: 'return "ä"' })
  expect(javascript).toMatchObject({ language: 'javascript', main: 'main.js', size: 11 })
  expect([...javascript.modules]).toEqual([['main.js', 'return "ä"']])
  expect(build({ code: 'return 1', language: 'typescript' })).toMatchObject({ language: 'typescript', main: 'main.ts' })
})

test('the same code is the same artifact object; the other language is another artifact', () => {
  const code = 'return 1 + 1'
  expect(build({ code })).toBe(build({ code, language: 'javascript' }))
  expect(build({ code, language: 'typescript' }).id).not.toBe(build({ code }).id)
})

test('modules keep their names, and the language is that of main unless it is given', () => {
  const modules = { 'app.ts': 'import "./lib/a.js"', 'lib/a.js': '', 'data.json': '{}', 'notes.txt': 'hi' }
  expect(build({ modules, main: 'app.ts' })).toMatchObject({ language: 'typescript', main: 'app.ts', size: 23 })
  expect(build({ modules, main: 'lib/a.js' }).language).toBe('javascript')
  expect(build({ modules, main: 'lib/a.js', language: 'typescript' }).language).toBe('typescript')
})

test('the id does not depend on the order of modules and on nothing outside the submission', () => {
  const a = build({ modules: { 'a.js': '1', 'b.js': '2' }, main: 'a.js' })
  const b = createArtifacts({ cacheSize: bytes(1_000) }).build({ modules: { 'b.js': '2', 'a.js': '1' }, main: 'a.js' })
  expect(a.id).toBe(b.id)
  expect(a.id).toMatch(/^[0-9a-f]{64}$/)
})

test('submissions that differ in anything have different ids', () => {
  const name = fc.constantFrom('a.js', 'b.js', 'c.ts', 'd/a.js')
  const modules = fc.dictionary(name, fc.string({ maxLength: 4, unit: 'binary' }), { minKeys: 1 })
  const submission = modules.chain((all) =>
    fc.constantFrom(...Object.keys(all)).map((main) => ({ modules: all, main })),
  )
  const canonical = ({ modules: all, main }: { modules: Record<string, string>; main: string }) =>
    JSON.stringify([main, Object.entries(all).toSorted()])
  fc.assert(
    fc.property(submission, submission, (a, b) => {
      expect(build(a).id === build(b).id).toBe(canonical(a) === canonical(b))
    }),
  )
})

const REFUSED: readonly (readonly [submission: unknown, message: RegExp])[] = [
  [{}, /^code is missing/],
  [{ code: 1 }, /^code is not a string/],
  [{ code: '1', modules: { 'a.js': '' } }, /^code and modules/],
  [{ code: '1', main: 'a.js' }, /^main goes with modules/],
  [{ code: '1', language: 'cobol' }, /^language is "cobol"; one of javascript, typescript/],
  [{ modules: { 'a.js': '' } }, /^main is missing/],
  [{ modules: { 'a.js': '' }, main: 'b.js' }, /^main is "b.js", which is not one/],
  [{ modules: { 'a.js': '' }, main: 'toString' }, /^main is "toString", which is not one/],
  [{ modules: { 'a.json': '' }, main: 'a.json' }, /^main is "a.json", which is data/],
  [{ modules: { 'a.js': 1 }, main: 'a.js' }, /^modules: the source of "a.js" is not a string/],
]

test.each(REFUSED)('%j is refused and the field is named', (submission, message) => {
  expect(() => build(submission)).toThrow(message)
  expect(() => build(submission)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }))
})

test('code that was built once is still refused when it comes with something that does not fit', () => {
  build({ code: 'return 2' })
  expect(() => build({ code: 'return 2', main: 'a.js' })).toThrow(/^main goes with modules/)
})

const BAD_NAMES = [
  '/a.js',
  '../a.js',
  'a/../b.js',
  './a.js',
  'a//b.js',
  'a.js/',
  'a\\b.js',
  'a\0.js',
  'a.css',
  'a',
  '.js',
  '',
  'x/.js',
  'node:fs.js',
  'a.js?b.js',
  '\ud800.js',
]

test.each(BAD_NAMES)('a module cannot be named %j', (name) => {
  expect(() => build({ modules: { [name]: '' }, main: name })).toThrow(/^modules: the name /)
})

test('names may hold what file names of the web hold', () => {
  for (const name of ['[id].ts', 'a/(b)/c+d@1 ~.mjs', '日本.js']) {
    expect(build({ modules: { [name]: '' }, main: name }).main).toBe(name)
  }
})

test('names and counts have bounds', () => {
  const long = `${'a'.repeat(198)}.js`
  expect(() => build({ modules: { [long]: '' }, main: long })).toThrow(/201 characters long; at most 200/)
  const many = Object.fromEntries(Array.from({ length: 501 }, (_, index) => [`m${index}.js`, '']))
  expect(() => build({ modules: many, main: 'm0.js' })).toThrow('modules: there are 501; at most 500')
})

test('what is remembered is bounded, and forgetting changes nothing but the object', () => {
  const small = createArtifacts({ cacheSize: bytes(20_000) })
  const first = small.build({ code: 'return 0' })
  for (let index = 1; index < 100; index += 1) small.build({ code: `return ${index}` })
  const again = small.build({ code: 'return 0' })
  expect(again).not.toBe(first)
  expect(again).toEqual(first)
  expect(small.build({ code: ' '.repeat(100_000) }).size).toBe(100_000)
})
