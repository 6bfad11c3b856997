import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CapabilityError } from '../../src/broker/capability.ts'
import { cursorOf, queryOf } from '../../src/broker/docs-query.ts'
import { writesOf } from '../../src/broker/docs-arguments.ts'
import { type DocsWorld, GRANT, openDocs } from './docs-world.ts'

let world: DocsWorld
let docs: ReturnType<DocsWorld['as']>
beforeAll(async () => {
  world = await openDocs(['ann'])
  docs = world.as('ann')
})
afterAll(() => world[Symbol.asyncDispose]())

const NAME = 'must be 1 to 63 of A-Z, a-z, 0-9, _ and -, a letter or _ first'
const deep = (depth: number): unknown => JSON.parse('{"a":'.repeat(depth) + '1' + '}'.repeat(depth))

test.each<[operation: string, args: unknown[], message: string]>([
  ['get', [5, 'a'], `collection ${NAME}`],
  ['get', ['a b', 'a'], `collection ${NAME}`],
  ['get', ['x'.repeat(64), 'a'], `collection ${NAME}`],
  ['get', [['c'], 'a'], 'collection must be an object'],
  ['get', [{ name: '1' }, 'a'], `collection.name ${NAME}`],
  ['get', [{ name: 'c', index: [] }, 'a'], 'collection.index is not known; there is name, indexes'],
  ['get', ['c'], 'id must be a string that is not empty'],
  ['get', ['c', 'x'.repeat(129)], 'id has 129 bytes; at most 128 are allowed'],
  ['get', ['c', '\udc00'], 'id holds half of a surrogate pair'],
  ['find', [{ name: 'c', indexes: 'a' }], 'indexes must be a list of at most 4 (capabilities.docs.indexes)'],
  [
    'find',
    [{ name: 'c', indexes: ['a..b'] }],
    'indexes[0] must be names of fields with dots between them, as "customer.id"',
  ],
  ['find', [{ name: 'c', indexes: ['a.b.c.d.e.f.g.h.i'] }], 'indexes[0] has 9 names; at most 8 are allowed'],
  ['insert', ['c'], 'data must be an object; it is undefined'],
  ['insert', ['c', [1]], 'data must be an object'],
  ['insert', ['c', null], 'data must be an object'],
  ['insert', ['c', deep(101)], 'data is nested more than 100 deep'],
  ['insert', ['c', {}, { key: 'a' }], 'options.key is not known; there is ifVersion, id'],
  ['replace', ['c', 'a', {}, { ifVersion: -1 }], 'options.ifVersion must be a whole number from 0 to 9007199254740991'],
  ['replace', ['c', 'a', {}, { upsert: 1 }], 'options.upsert must be true or false'],
  ['patch', ['c', 'a', 'x'], 'patch must be an object'],
  ['transact', [[]], 'operations must be a list of 1 to 100'],
  [
    'transact',
    [[{ op: 'drop', collection: 'c' }]],
    'operations[0].op must be one of insert, replace, put, patch, delete, check',
  ],
  ['transact', [[{ op: 'put', collection: 'c', data: {} }]], 'operations[0].id must be a string that is not empty'],
  [
    'transact',
    [[{ op: 'check', collection: 'c', id: 'a' }]],
    'operations[0].ifVersion is what a check is for; 0 means that there must be no such document',
  ],
  [
    'transact',
    [[{ op: 'delete', collection: 'c', id: 'a', data: {} }]],
    'operations[0].data has no meaning for delete',
  ],
  ['find', ['c', { where: [] }], 'options.where must be an object'],
  [
    'find',
    ['c', { where: { a: [] } }],
    'options.where.a must be a value or an object; for one of several: { in: […] }',
  ],
  ['find', ['c', { where: { a: {} } }], 'options.where.a must have one of eq, in, gt, gte, lt, lte'],
  ['find', ['c', { where: { a: { ne: 1 } } }], 'options.where.a.ne is not known; there is eq, in, gt, gte, lt, lte'],
  ['find', ['c', { where: { a: { eq: 1, gt: 0 } } }], 'options.where.a.eq must stand alone'],
  ['find', ['c', { where: { a: { gt: 1, gte: 0 } } }], 'options.where.a must not have both gt and gte'],
  ['find', ['c', { where: { a: { gt: true } } }], 'options.where.a.gt must be a number or a text'],
  [
    'find',
    ['c', { where: { a: { gt: 1, lt: 'x' } } }],
    'options.where.a must have two numbers or two texts as its bounds',
  ],
  ['find', ['c', { where: { a: { in: [] } } }], 'options.where.a.in must be a list of 1 to 100 values'],
  [
    'find',
    ['c', { where: { a: { in: [{}] } } }],
    'options.where.a.in[0] must be a text, a finite number, true, false or null',
  ],
  ['find', ['c', { where: { a: 'x'.repeat(1_025) } }], 'options.where.a has 1025 bytes; at most 1024 are allowed'],
  ['find', ['c', { sort: 5 }], 'options.sort must be the path of a field, with - before it to sort descending'],
  ['find', ['c', { sort: ['a', '-a'] }], 'options.sort names a field twice'],
  ['find', ['c', { limit: 1_001 }], 'options.limit must be a whole number from 1 to 1000'],
  [
    'find',
    ['c', { cursor: 'x' }],
    'options.cursor must be the cursor of the page before, of a find with the same sort',
  ],
])('%s of %j is refused: %s', async (operation, args, message) => {
  expect(await docs(operation, ...args)).toEqual({ code: 'INVALID_ARGUMENT', message })
})

test('a document of a hundred levels is fine', async () => {
  expect(await docs('insert', 'c', deep(100))).toHaveProperty('value')
})

test('a document nested a hundred thousand deep is refused in words, and so is such a patch', async () => {
  const big = world.as('ann', { ...GRANT, documentBytes: 1 << 20 } as typeof GRANT)
  const text = '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)
  for (const [operation, head] of [
    ['insert', '["c",'],
    ['patch', '["c","a",'],
  ] as const) {
    const { text: answer } = await big.session.call(`docs.${operation}`, `${head}${text}]`)
    expect(JSON.parse(answer)).toMatchObject({ code: 'INVALID_ARGUMENT' })
  }
})

test('a cursor is good for the sort that it came from, and reads back as it was', () => {
  const sort = [{ path: 'a', direction: 'descending' as const }]
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.constant(null),
    fc.constant([] as const),
  )
  fc.assert(
    fc.property(value, fc.string({ unit: 'grapheme', maxLength: 20 }), (one, id) => {
      const cursor = cursorOf({ values: [one], id }, sort)
      expect(JSON.stringify(queryOf({ sort: '-a', cursor }).after)).toBe(JSON.stringify({ values: [one], id }))
      expect(() => queryOf({ sort: 'a', cursor })).toThrow('options.cursor')
      expect(() => queryOf({ cursor })).toThrow('options.cursor')
    }),
  )
})

test('whatever is asked, the readers answer or refuse, and never throw anything else', () => {
  const odd = fc.anything({
    withNullPrototype: true,
    key: fc.constantFrom(
      'where',
      'sort',
      'limit',
      'cursor',
      'op',
      'collection',
      'id',
      'data',
      'eq',
      'in',
      'gt',
      '__proto__',
      'length',
    ),
  })
  const read = (action: () => unknown): void => {
    try {
      action()
    } catch (error) {
      expect(error).toBeInstanceOf(CapabilityError)
    }
  }
  fc.assert(
    fc.property(odd, (given) => {
      read(() => queryOf(given))
      read(() => queryOf({ where: { a: given }, sort: given }))
      read(() => queryOf({ cursor: Buffer.from(JSON.stringify(given) ?? '').toString('base64url') }))
      read(() => writesOf([given], { grant: GRANT, newId: () => 'id' }))
    }),
  )
})

test('none of what is tried here is a fault of the host', () => {
  expect(world.faults).toEqual([])
})
