import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CloisterError } from '../../src/core/errors.ts'
import { createPolicyCatalog, type PolicySource } from '../../src/policy/catalog.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { toJson } from '../../src/policy/policy-json.ts'

const catalog = loadPolicies([])
const root = source('default', toJson(catalog.find('default')!))

function source(name: string, value: object): PolicySource {
  return { source: `${name}.json`, name, text: JSON.stringify(value) }
}

function refusal(act: () => unknown): CloisterError {
  try {
    act()
  } catch (error) {
    return error as CloisterError
  }
  throw new Error('it was not refused')
}

test('a name resolves to the same object every time', () => {
  expect(catalog.resolve('strict')).toBe(catalog.find('strict'))
  expect(catalog.find('nope')).toBeUndefined()
  expect(catalog.find('__proto__')).toBeUndefined()
})

test('an unknown name is refused with the names that there are', () => {
  const { code, message } = refusal(() => catalog.resolve('nope'))
  expect(code).toBe('INVALID_POLICY')
  expect(message).toBe('no policy is named "nope"; there are default, generous, strict')
})

test('an overlay resolves alike as an object and as JSON text', () => {
  const overlay = { name: 'pro', extends: 'generous', limits: { memoryMb: 1024 } }
  expect(catalog.resolve(overlay)).toEqual(catalog.resolve(JSON.stringify(overlay)))
  expect(catalog.resolve(overlay)).toMatchObject({ name: 'pro', limits: { memory: 1024, wall: 900_000 } })
})

test('an overlay with faults is refused with every one of them', () => {
  const { code, message } = refusal(() => catalog.resolve({ limits: { wallMs: 0 }, rate: { burst: 'x' } }))
  expect(code).toBe('INVALID_POLICY')
  expect(message).toBe(
    'limits.wallMs: must be a whole number from 1 to 900000, not 0; rate.burst: must be a whole number from 1 to 1000000, not "x"',
  )
})

test.each([undefined, null, 5, [], true])('%j is no policy', (given) => {
  expect(refusal(() => catalog.resolve(given)).code).toBe('INVALID_POLICY')
})

test('policies extend each other in any order of files', () => {
  const made = createPolicyCatalog({
    folders: [
      [source('a', { extends: 'b' }), source('b', { extends: 'c', rate: { burst: 7 } }), source('c', {}), root],
    ],
  })
  expect(made.find('a')?.rate.burst).toBe(7)
  expect(made.names()).toEqual(['a', 'b', 'c', 'default'])
})

test('a policy without a name is called like its file', () => {
  expect(createPolicyCatalog({ folders: [[root, source('pro', {})]] }).find('pro')?.name).toBe('pro')
})

test('a later folder replaces a policy and may build on the one it replaces', () => {
  const made = createPolicyCatalog({
    folders: [
      [root, source('pro', { limits: { wallMs: 3000 } })],
      [source('default', { limits: { memoryMb: 256 } }), source('pro', { extends: 'pro', limits: { memoryMb: 64 } })],
    ],
  })
  expect(made.find('default')?.limits).toMatchObject({ memory: 256, wall: 10_000 })
  expect(made.find('pro')?.limits).toMatchObject({ memory: 64, wall: 3000 })
  expect(made.resolve({}).limits.memory).toBe(256)
})

test('policies that build on each other in a circle are refused', () => {
  const circle = [root, source('a', { extends: 'b' }), source('b', { extends: 'a' }), source('c', { extends: 'c' })]
  const { message } = refusal(() => createPolicyCatalog({ folders: [circle] }))
  expect(message).toContain('b.json: extends: "a" in turn builds on this policy')
  expect(message).toContain('a.json: extends: "b" has faults')
  expect(message).toContain('c.json: extends: no policy is named "c"')
})

test('the faults of all files come at once, each with its file', () => {
  const files = [
    root,
    source('a', { walls: 1 }),
    { source: 'b.json', name: 'b', text: '{' },
    source('c', { name: 'a' }),
    source('Bad Name', {}),
  ]
  const { message } = refusal(() => createPolicyCatalog({ folders: [files] }))
  expect(message.split('; ')).toEqual([
    'b.json: $: line 1, column 2: expected a field name in double quotes, found the end',
    'c.json: name: "a" is the name of a.json too',
    'a.json: walls: must be "process" or "os", not 1',
    'Bad Name.json: name: must be 1 to 63 of a-z, 0-9 and -, a letter first',
  ])
})

test('the root policy must be complete', () => {
  const { message } = refusal(() => createPolicyCatalog({ folders: [[source('default', { walls: 'os' })]] }))
  expect(message).toContain('default.json: limits.wallMs: is missing, and there is no policy to inherit')
})

test('an operator’s folder adds policies; folders and schemas in it are not read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'policies-'))
  try {
    writeFileSync(join(folder, 'pro.json'), '{ "limits": { "memoryMb": 256 } }')
    writeFileSync(join(folder, 'target'), '{ "name": "linked" }')
    symlinkSync(join(folder, 'target'), join(folder, 'link.json'))
    writeFileSync(join(folder, 'notes.schema.json'), 'not a policy')
    writeFileSync(join(folder, 'notes.txt'), 'not a policy')
    mkdirSync(join(folder, 'prices'))
    writeFileSync(join(folder, 'prices', 'book.json'), 'not a policy')
    expect(loadPolicies([folder]).names()).toEqual(['default', 'generous', 'linked', 'pro', 'strict'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a folder or file that cannot be read is refused by its path', () => {
  expect(refusal(() => loadPolicies(['/no/such/folder']))).toMatchObject({
    code: 'INVALID_POLICY',
    message: expect.stringMatching(/^\/no\/such\/folder: cannot be read: ENOENT/),
  })
})
