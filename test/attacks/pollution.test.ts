import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeFromCell } from '../../src/wire/from-cell.ts'
import { FROM_CELL } from '../../src/wire/from-cell.ts'
import { type World, openGateway } from '../gateway/world.ts'
import { type KvWorld, openKv } from '../broker/kv-world.ts'
import { type PoolHarness, openPool } from '../pool/harness.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** JSON that would change what every object inherits, if anything merged or assigned it field by field. */
const HOSTILE = [
  '{"__proto__":{"polluted":"yes"}}',
  '{"constructor":{"prototype":{"polluted":"yes"}}}',
  '{"__proto__":{"__proto__":{"polluted":"yes"}},"limits":{"__proto__":{"polluted":"yes"}}}',
  '{"a":{"__proto__":{"polluted":"yes"}},"list":[{"__proto__":{"polluted":"yes","length":9}}]}',
  '{"toString":{"__proto__":{"polluted":"yes"}},"then":"yes","toJSON":"yes","hasOwnProperty":"yes"}',
  '{"__defineGetter__":"yes","prototype":{"polluted":"yes"},"name":{"__proto__":{"polluted":"yes"}}}',
  '{"\\u005f_proto__":{"polluted":"yes"}}',
] as const

const PROTOTYPES = [
  Object,
  Array,
  Function,
  String,
  Number,
  Boolean,
  Promise,
  Map,
  Set,
  Error,
  RegExp,
  Date,
  Buffer,
].map((kind) => kind.prototype as object)
/** Everything that a prototype has, in a form that can be compared. */
const shapeOf = (prototype: object): unknown[] =>
  Reflect.ownKeys(prototype).map((key) => [key, Reflect.getOwnPropertyDescriptor(prototype, key)])
const before = PROTOTYPES.map(shapeOf)

/** Code of a guest that tells whether its own realm, or what it was given, is polluted. */
const LOOK = `
  const own = (value) => Object.getOwnPropertyNames(value).sort().join()
  return [({}).polluted, [].polluted, (() => {}).polluted, ''.polluted, own(Object.prototype), own(Array.prototype)]`

function expectClean(): void {
  expect(PROTOTYPES.map(shapeOf)).toEqual(before)
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
}

let world: World
let kv: KvWorld
let cells: PoolHarness
let untouched: unknown
beforeAll(async () => {
  kv = await openKv(['ann'])
  cells = await openPool({ blankCells: 1 })
  untouched = await cells.value(LOOK, { tenant: 'fresh' })
})
afterAll(async () => {
  await kv[Symbol.asyncDispose]()
  await cells[Symbol.asyncDispose]()
})

test.each(HOSTILE)('A-915 %s changes nothing that comes to the host by HTTP', async (text) => {
  world = await openGateway()
  const doors = [
    ['PUT', '/v1/tenants/acme'],
    ['POST', '/v1/tenants/acme/keys'],
    ['POST', '/v1/tenants/acme/execute'],
    ['POST', '/v1/tenants/acme/bill/verify'],
  ] as const
  for (const [method, path] of doors) {
    for (const body of [
      text,
      `{"policy":${text}}`,
      `{"policy":{"limits":${text}}}`,
      `{"code":"x","input":${text}}`,
      `{"code":${text}}`,
    ]) {
      const { status } = await world.call(method, path, { body })
      expect(status).toBeLessThan(500)
    }
  }
  for (const query of ['__proto__[polluted]=yes', '__proto__.polluted=yes', 'constructor=yes', '__proto__=yes']) {
    expect((await world.call('GET', `/v1/tenants/acme/runs?${query}`)).status).toBe(400)
  }
  expectClean()
})

test.each(HOSTILE)('A-915 %s changes nothing that is read as a policy', (text) => {
  const directory = mkdtempSync(join(tmpdir(), 'cloister-policies-'))
  for (const overlay of [
    text,
    `{"name":"p","extends":"default","limits":${text}}`,
    `{"name":"p","capabilities":${text}}`,
  ]) {
    writeFileSync(join(directory, 'p.json'), overlay)
    expect(() => loadPolicies([directory])).toThrow(/p\.json/)
  }
  rmSync(directory, { recursive: true })
  expectClean()
})

test.each(HOSTILE)(
  'A-915 %s changes nothing as input, result, error, log or argument of a run, here or in its cell',
  async (text) => {
    const inner = JSON.stringify(text)
    const programs = [
      'return input',
      `return JSON.parse(${inner})`,
      `throw Object.assign(new Error('x'), JSON.parse(${inner}))`,
      `throw JSON.parse(${inner})`,
      `console.log(JSON.parse(${inner}), ${inner}); return 1`,
      `const error = new Error(${inner}); error.name = ${inner}; error.stack = ${inner}; throw error`,
    ]
    for (const code of programs) {
      const { status } = await cells.run(code, {
        input: JSON.parse(text) as unknown,
        tenant: 'hostile',
        reuse: 'context',
      })
      expect(['ok', 'error']).toContain(status)
      // What the cell itself made of it: the next run of the same cell, in globals of its own.
      expect(await cells.value(LOOK, { tenant: 'hostile', input: JSON.parse(text) as unknown })).toEqual(untouched)
    }
    expectClean()
  },
)

test.each(HOSTILE)('A-915 %s changes nothing as an argument of kv', async (text) => {
  const call = kv.as('ann')
  const value = JSON.parse(text) as object
  for (const args of [[value], ['k', value], ['k', 1, value], ['k', null, value, value], [text]]) {
    for (const operation of [
      'get',
      'put',
      'delete',
      'list',
      'increment',
      'compareAndSet',
      '__proto__',
      'constructor',
    ]) {
      await call(operation, ...args)
    }
  }
  expect(kv.faults).toEqual([])
  expectClean()
})

test.each(HOSTILE)('A-915 %s changes nothing as a message of a cell', (text) => {
  const heads: readonly (readonly [type: number, head: string])[] = [
    [FROM_CELL.done, '\x00\x00'],
    [FROM_CELL.done, '\x01\x00'],
    [FROM_CELL.call, '\x00\x00\x00\x01\x09__proto__'],
    [FROM_CELL.log, '\x01'],
  ]
  for (const [type, head] of heads) {
    const message = decodeFromCell({ type, run: 1, payload: Buffer.from(head + text, 'latin1') })
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype)
    expect('polluted' in message).toBe(false)
    if (message.kind === 'done' && message.error !== undefined)
      expect(Object.keys(message.error)).toEqual(['name', 'message', 'stack'])
  }
  expectClean()
})
