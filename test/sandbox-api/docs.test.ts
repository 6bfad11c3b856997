import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDocsCapability } from '../../src/broker/docs.ts'
import { systemClock } from '../../src/core/clock.ts'
import { parseTenantId } from '../../src/core/ids.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { GRANT } from '../broker/docs-world.ts'
import { type PoolHarness, openPool } from '../pool/harness.ts'

let cells: PoolHarness
const resources = new AsyncDisposableStack()
beforeAll(async () => {
  const stores = resources.use(await openTemporaryStores({ clock: systemClock }))
  for (const name of ['ann', 'bob']) {
    const now = systemClock.now()
    await stores.tenants.put({
      id: parseTenantId(name)!,
      policy: 'default',
      budget: {},
      createdAt: now,
      updatedAt: now,
    })
  }
  cells = resources.use(
    await openPool({ capabilities: [createDocsCapability({ store: stores.docs, clock: systemClock })] }),
  )
})
afterAll(() => resources.disposeAsync())

const value = (code: string, tenant = 'ann') => cells.value(code, { tenant, grants: { docs: GRANT } })

test('a guest keeps documents from run to run, and finds them by the fields that it declares', async () => {
  await value(`const orders = context.docs.collection('orders', { indexes: ['status', 'total'] })
    for (const [n, status] of ['open', 'paid', 'open', 'open'].entries()) await orders.insert({ status, total: n * 10 }, { id: 'o' + n })`)
  const code = `const orders = context.docs.collection('orders')
    const { documents, cursor } = await orders.find({ where: { status: 'open' }, sort: '-total', limit: 2 })
    const rest = await orders.find({ where: { status: 'open' }, sort: '-total', limit: 2, cursor })
    return [documents.map(({ id, version, data }) => [id, version, data.total]), rest.documents.length, rest.cursor, documents instanceof Array]`
  expect(await value(code)).toEqual([
    [
      ['o3', 1, 30],
      ['o2', 1, 20],
    ],
    1,
    null,
    true,
  ])
  expect(await value(code.replace(', sort', ', indexes: 1, sort')).catch(String)).toMatch('not known')
  expect(await value(`return (await context.docs.collection('orders').find()).documents`, 'bob')).toEqual([])
})

test('a guest meets conflicts as errors with a code, and transactions as a whole', async () => {
  const code = `const seats = context.docs.collection('seats')
    await seats.insert({ by: null }, { id: 'a1' })
    const { version } = await seats.get('a1')
    await seats.patch('a1', { by: 'ann' }, { ifVersion: version })
    const late = await seats.replace('a1', { by: 'bob' }, { ifVersion: version }).catch(({ code, message }) => [code, message])
    const all = await context.docs.transact([{ op: 'insert', collection: 'log', id: 'l', data: {} }, { op: 'check', collection: 'seats', id: 'a1', ifVersion: 9 }]).catch(({ code }) => code)
    return [late, all, await context.docs.collection('log').get('l'), await seats.delete('a1'), Object.isFrozen(seats), Object.isFrozen(context.docs)]`
  expect(await value(code)).toEqual([
    ['CONFLICT', 'seats/a1 was to have version 1, and it has version 2'],
    'CONFLICT',
    null,
    true,
    true,
    true,
  ])
})

test('what a guest does to the language changes none of its calls', async () => {
  const code = `Object.prototype.toJSON = () => ({ name: 'other' }); Array.prototype.toJSON = () => []; Object.prototype.id = 'x'
    const c = context.docs.collection('mine'); const made = await c.insert({ a: 1 }).catch(({ code }) => code)
    delete Object.prototype.toJSON; delete Array.prototype.toJSON; delete Object.prototype.id
    return [(await context.docs.collection('other').find()).documents.length, (await c.find()).documents.length]`
  expect(await value(code, 'bob')).toEqual([0, 1])
})
