import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseTenantId } from '../../src/core/ids.ts'
import { bytes } from '../../src/core/quantity.ts'
import { type DocsWorld, GRANT, openDocs } from './docs-world.ts'
import { START_MS } from './guest-world.ts'

let world: DocsWorld
let tenants = 0
beforeAll(async () => {
  world = await openDocs(Array.from({ length: 100 }, (_, index) => `t${index}`))
})
afterAll(() => world[Symbol.asyncDispose]())

/** Calls of a tenant that nobody has used. */
const fresh = (grant = GRANT) => world.as(`t${tenants++}`, grant)
const refused = (code: string, message: unknown) => ({ code, message })
const idsOf = (answer: any) => answer.value.documents.map(({ id }: { id: string }) => id)

describe('a document', () => {
  test('is inserted, got, replaced, patched and deleted, and its version counts each write', async () => {
    const docs = fresh()
    expect(await docs('insert', 'orders', { total: 5 }, { id: 'a' })).toEqual({ value: { id: 'a', version: 1 } })
    const at = new Date(START_MS).toISOString()
    const stored = { id: 'a', version: 1, createdAt: at, updatedAt: at, data: { total: 5 } }
    expect(await docs('get', 'orders', 'a')).toEqual({ value: stored })
    expect(await docs('replace', 'orders', 'a', { total: 6, note: { by: 'ann', at: 1 } })).toEqual({
      value: { id: 'a', version: 2 },
    })
    expect(await docs('patch', 'orders', 'a', { note: { at: null, to: [1] }, total: null })).toEqual({
      value: { id: 'a', version: 3 },
    })
    expect(await docs('get', 'orders', 'a')).toMatchObject({
      value: { version: 3, data: { note: { by: 'ann', to: [1] } } },
    })
    expect(await docs('delete', 'orders', 'a')).toEqual({ value: true })
    expect(await docs('delete', 'orders', 'a')).toEqual({ value: false })
    expect(await docs('get', 'orders', 'a')).toEqual({ value: null })
  })

  test('gets an id of its own, and such ids sort by time', async () => {
    const docs = fresh()
    const first: any = await docs('insert', 'orders', {})
    world.pass(1)
    const second: any = await docs('insert', 'orders', {})
    expect(first.value.id).toMatch(/^[0-9a-v]{25}$/)
    expect(first.value.id < second.value.id).toBe(true)
    expect(idsOf(await docs('find', 'orders'))).toEqual([first.value.id, second.value.id])
  })

  test('that is there already is not inserted; one that is not is neither replaced nor patched, unless it may be made', async () => {
    const docs = fresh()
    await docs('insert', 'c', { n: 1 }, { id: 'a' })
    expect(await docs('insert', 'c', {}, { id: 'a' })).toEqual(refused('CONFLICT', 'there is a document c/a already'))
    expect(await docs('replace', 'c', 'b', {})).toEqual(refused('NOT_FOUND', 'there is no document c/b'))
    expect(await docs('patch', 'none', 'b', {})).toEqual(refused('NOT_FOUND', 'there is no document none/b'))
    expect(await docs('replace', 'c', 'b', {}, { upsert: true })).toEqual({ value: { id: 'b', version: 1 } })
    expect(await docs('replace', 'c', 'b', {}, { upsert: true })).toEqual({ value: { id: 'b', version: 2 } })
  })

  test('is written only in the version that was expected', async () => {
    const docs = fresh()
    await docs('insert', 'c', {}, { id: 'a' })
    const conflict = refused('CONFLICT', 'c/a was to have version 2, and it has version 1')
    expect(await docs('replace', 'c', 'a', {}, { ifVersion: 2 })).toEqual(conflict)
    expect(await docs('patch', 'c', 'a', {}, { ifVersion: 2 })).toEqual(conflict)
    expect(await docs('delete', 'c', 'a', { ifVersion: 2 })).toEqual(conflict)
    expect(await docs('delete', 'c', 'b', { ifVersion: 2 })).toEqual(
      refused('CONFLICT', 'c/b was to have version 2, and there is no such document'),
    )
    expect(await docs('replace', 'c', 'a', {}, { ifVersion: 0, upsert: true })).toMatchObject({ code: 'CONFLICT' })
    expect(await docs('patch', 'c', 'a', {}, { ifVersion: 1 })).toEqual({ value: { id: 'a', version: 2 } })
  })

  test('of writers that expect one version, one wins', async () => {
    const docs = fresh()
    await docs('insert', 'c', { n: 0 }, { id: 'a' })
    const race = Array.from({ length: 20 }, (_, n) => docs('replace', 'c', 'a', { n }, { ifVersion: 1 }))
    expect((await Promise.all(race)).filter((answer) => 'value' in answer)).toHaveLength(1)
    expect(await docs('get', 'c', 'a')).toMatchObject({ value: { version: 2 } })
  })

  test('may have fields of any name, and changes no prototype', async () => {
    const docs = fresh()
    const odd = JSON.parse('{"__proto__":{"x":1},"constructor":{"prototype":{"x":1}}}')
    await docs('insert', 'c', odd, { id: '__proto__' })
    await docs('patch', 'c', '__proto__', JSON.parse('{"__proto__":{"y":{"__proto__":null}},"toString":5}'))
    const { value } = (await docs('get', 'c', '__proto__')) as any
    expect(JSON.stringify(value.data)).toBe(
      '{"__proto__":{"x":1,"y":{}},"constructor":{"prototype":{"x":1}},"toString":5}',
    )
    expect([Reflect.has({}, 'x'), Reflect.has({}, 'y')]).toEqual([false, false])
  })

  test('comes back exactly as it was', async () => {
    const docs = fresh()
    const data = { n: -0.5, s: '\ud800\u0000€', l: [[], {}, null, true], '': { ' ': '' } }
    await docs('insert', 'c', data, { id: 'a' })
    expect(await docs('get', 'c', 'a')).toMatchObject({ value: { data } })
  })
})

describe('a transaction', () => {
  test('makes all of its changes, each on top of those before it', async () => {
    const docs = fresh()
    await docs('insert', 'accounts', { balance: 10 }, { id: 'ann' })
    const done = await docs('transact', [
      { op: 'check', collection: 'accounts', id: 'ann', ifVersion: 1 },
      { op: 'check', collection: 'accounts', id: 'bob', ifVersion: 0 },
      { op: 'patch', collection: 'accounts', id: 'ann', data: { balance: 7 } },
      { op: 'put', collection: 'accounts', id: 'bob', data: { balance: 3 } },
      { op: 'patch', collection: 'accounts', id: 'bob', data: { name: 'Bob' } },
      { op: 'insert', collection: 'log', id: 'l', data: {} },
      { op: 'delete', collection: 'log', id: 'l' },
    ])
    expect((done as any).value.map(({ version }: any) => version)).toEqual([1, 0, 2, 1, 2, 1, 0])
    expect(await docs('get', 'accounts', 'bob')).toMatchObject({ value: { data: { balance: 3, name: 'Bob' } } })
  })

  test('of which one change is refused makes none, and says which', async () => {
    const docs = fresh()
    await docs('insert', { name: 'c', indexes: ['n'] }, { n: 1 }, { id: 'a' })
    const changes = [
      { op: 'patch', collection: 'c', id: 'a', data: { n: 2 } },
      { op: 'insert', collection: 'made', data: {} },
      { op: 'check', collection: 'c', id: 'a', ifVersion: 1 },
    ]
    expect(await docs('transact', changes)).toEqual(
      refused('CONFLICT', 'operations[2]: c/a was to have version 1, and it has version 2'),
    )
    expect(await docs('get', 'c', 'a')).toMatchObject({ value: { version: 1, data: { n: 1 } } })
    expect(idsOf(await docs('find', 'c', { where: { n: 1 } }))).toEqual(['a'])
    expect(idsOf(await docs('find', 'c', { where: { n: 2 } }))).toEqual([])
    expect(await world.stores.docs.collections(parseTenantId(`t${tenants - 1}`)!)).toHaveLength(1)
  })

  test('counts as many operations as it has changes', async () => {
    const docs = fresh({ ...GRANT, operations: 3 })
    const insert = { op: 'insert', collection: 'c', data: {} }
    expect(await docs('transact', [insert, insert])).toHaveProperty('value')
    expect(docs.session.operations).toEqual({ 'docs.transact': 2 })
    expect(await docs('transact', [insert, insert])).toMatchObject({ code: 'QUOTA_EXCEEDED' })
    expect(docs.session.hadEffects).toBe(true)
  })
})

describe('the quota of a tenant', () => {
  test('bounds documents and bytes, and a change that adds nothing is fine', async () => {
    const docs = fresh({ ...GRANT, documents: 2, storedBytes: bytes(20) })
    await docs('insert', 'c', { n: 1 }, { id: 'a' })
    await docs('insert', 'd', {}, { id: 'b' })
    const over = refused('QUOTA_EXCEEDED', 'a tenant may keep 2 documents and 20 bytes in docs')
    expect(await docs('insert', 'c', {}, { id: 'e' })).toEqual(over)
    expect(await docs('patch', 'c', 'a', { more: 'xx' })).toEqual(over)
    expect(await docs('replace', 'c', 'a', { n: 2 })).toHaveProperty('value')
    expect(await docs('delete', 'd', 'b')).toEqual({ value: true })
    expect(await docs('patch', 'c', 'a', { m: 1 })).toHaveProperty('value')
  })

  test('bounds collections and the indexes of each', async () => {
    const docs = fresh({ ...GRANT, collections: 2, indexes: 2 })
    await docs('insert', 'a', {})
    await docs('insert', { name: 'b', indexes: ['x', 'y'] }, {})
    expect(await docs('insert', 'c', {})).toEqual(refused('QUOTA_EXCEEDED', 'a tenant may have 2 collections in docs'))
    expect(await docs('find', { name: 'c', indexes: ['x'] })).toMatchObject({ code: 'QUOTA_EXCEEDED' })
    expect(await docs('find', { name: 'b', indexes: ['z'] })).toEqual(
      refused('QUOTA_EXCEEDED', 'a collection may have 2 indexes'),
    )
    expect(await docs('find', { name: 'b', indexes: ['x', 'y', 'z'] })).toEqual(
      refused('INVALID_ARGUMENT', 'indexes must be a list of at most 2 (capabilities.docs.indexes)'),
    )
    // Looking for something makes no collection.
    expect(await docs('find', 'nowhere')).toEqual({ value: { documents: [] } })
  })

  test('bounds each document, also what a patch makes of it', async () => {
    const docs = fresh({ ...GRANT, documentBytes: bytes(20) })
    const long = { s: 'x'.repeat(20) }
    expect(await docs('insert', 'c', long)).toEqual(
      refused('INVALID_ARGUMENT', 'data has 28 bytes as JSON; at most 20 are allowed'),
    )
    await docs('insert', 'c', { a: 'x'.repeat(10) }, { id: 'a' })
    expect(await docs('patch', 'c', 'a', { b: 'y' })).toEqual(
      refused('INVALID_ARGUMENT', 'the document has 26 bytes as JSON; at most 20 are allowed'),
    )
  })
})

describe('indexes', () => {
  test('that are declared later enter what was there before, and take each write from then on', async () => {
    const docs = fresh()
    const inserts = Array.from({ length: 450 }, (_, n) => ({ op: 'insert', collection: 'c', id: `d${n}`, data: { n } }))
    for (let at = 0; at < inserts.length; at += 90) await docs('transact', inserts.slice(at, at + 90))
    const missing = await docs('find', 'c', { where: { n: 7 } })
    expect(missing).toEqual(
      refused(
        'INVALID_ARGUMENT',
        `the field "n" of c is not indexed; to find or sort by it, declare it: docs.collection('c', { indexes: ["n"] })`,
      ),
    )
    const indexed = { name: 'c', indexes: ['n'] }
    const finds = [7, 449].map((n) => docs('find', indexed, { where: { n } }))
    expect((await Promise.all(finds)).map((answer) => ('value' in answer ? idsOf(answer) : answer.code))).toEqual([
      ['d7'],
      ['d449'],
    ])
    await docs('replace', 'c', 'd7', { n: 1_000 })
    await docs('delete', 'c', 'd8')
    expect(idsOf(await docs('find', 'c', { where: { n: { in: [7, 8, 1_000] } } }))).toEqual(['d7'])
  })

  test('take no text that is longer than 1024 bytes: the write, or the declaration, is refused', async () => {
    const docs = fresh()
    const long = 'x'.repeat(1_025)
    await docs('insert', 'c', { s: long, t: '\ud800' }, { id: 'a' })
    const fault = 'the field "s" is indexed and has 1025 bytes; an indexed text has at most 1024'
    expect(await docs('find', { name: 'c', indexes: ['s'] })).toEqual(
      refused('INVALID_ARGUMENT', `of the document "a", ${fault}`),
    )
    expect(await docs('find', { name: 'c', indexes: ['t'] })).toMatchObject({ code: 'INVALID_ARGUMENT' })
    // It is not half there.
    expect(await docs('find', 'c', { sort: 's' })).toMatchObject({ message: expect.stringContaining('not indexed') })
    expect(await docs('insert', { name: 'd', indexes: ['s'] }, { s: long })).toEqual(refused('INVALID_ARGUMENT', fault))
  })

  test('of a collection that is dropped, or of a tenant that is deleted, leave nothing behind', async () => {
    const docs = fresh()
    const id = parseTenantId(`t${tenants - 1}`)!
    for (const name of ['c', 'd']) await docs('insert', { name, indexes: ['n'] }, { n: 1 }, { id: 'a' })
    expect(await world.stores.docs.drop(id, 'c')).toBe(true)
    expect(await world.stores.docs.drop(id, 'c')).toBe(false)
    expect(await docs('get', 'c', 'a')).toEqual({ value: null })
    await docs('insert', { name: 'c', indexes: ['n'] }, { n: 2 }, { id: 'b' })
    expect(idsOf(await docs('find', 'c', { sort: 'n' }))).toEqual(['b'])
    await world.stores.tenants.delete(id)
    expect(await world.stores.docs.collections(id)).toEqual([])
    expect(await docs('get', 'd', 'a')).toEqual({ value: null })
    expect((await docs('insert', 'd', {})) as object).toMatchObject({ code: 'UNAVAILABLE' })
    expect(world.faults.splice(0)).toMatchObject([{ code: 'NOT_FOUND' }])
  })
})

test('two tenants with the same collection and id see nothing of each other', async () => {
  const [ann, bob] = [fresh(), fresh()]
  await ann('insert', { name: 'c', indexes: ['n'] }, { n: 1 }, { id: 'a' })
  expect(await bob('get', 'c', 'a')).toEqual({ value: null })
  expect(await bob('find', { name: 'c', indexes: ['n'] }, { where: { n: 1 } })).toEqual({ value: { documents: [] } })
  expect(await bob('delete', 'c', 'a')).toEqual({ value: false })
  expect(await bob('patch', 'c', 'a', {})).toMatchObject({ code: 'NOT_FOUND' })
  expect(await bob('insert', 'c', { n: 2 }, { id: 'a' })).toHaveProperty('value')
  expect(await ann('get', 'c', 'a')).toMatchObject({ value: { data: { n: 1 } } })
})

test('a page ends where its documents would be more than one answer carries', async () => {
  const docs = fresh({ ...GRANT, documentBytes: bytes(1 << 19), storedBytes: bytes(1 << 24) })
  for (const id of ['a', 'b', 'c']) await docs('insert', 'c', { s: 'x'.repeat(400_000) }, { id })
  const first: any = await docs('find', 'c')
  expect(idsOf(first)).toEqual(['a', 'b'])
  const second: any = await docs('find', 'c', { cursor: first.value.cursor })
  expect([idsOf(second), second.value.cursor]).toEqual([['c'], undefined])
})

test('none of what is tried here is a fault of the host', () => {
  expect(world.faults).toEqual([])
})
