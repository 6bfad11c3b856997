import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBroker } from '../../src/broker/broker.ts'
import { createDocsCapability } from '../../src/broker/docs.ts'
import { systemClock } from '../../src/core/clock.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { createDocStore } from '../../src/store/sqlite/doc-store.ts'
import { ticketOf } from '../scheduler/ticket.ts'
import { GRANT, openDocs } from './docs-world.ts'

type Data = Record<string, unknown>
interface Doc {
  readonly id: string
  readonly data: Data
}

const INDEXES = ['a', 'b', 'o.c']
/** Few values, so that many are equal, of every kind, and in an order that is not that of UTF-16. */
const value = fc.constantFrom<unknown>(
  0,
  -1,
  2.5,
  1e21,
  '',
  'a',
  'b',
  '\uffee',
  '😀',
  true,
  false,
  null,
  [1],
  { x: 1 },
  undefined,
)
const scalar = fc.constantFrom<unknown>(0, -0, -1, 2.5, '', 'a', '😀', true, false, null)
const data = fc.record({ a: value, b: value, o: fc.oneof(value, fc.record({ c: value })) })
const bound = fc.oneof(fc.constantFrom(-1, 0, 2, 1e21), fc.constantFrom('', 'a', '\uffee', '😀'))
const range = fc
  .tuple(
    fc.option(fc.tuple(fc.constantFrom('gt', 'gte'), bound)),
    fc.option(fc.tuple(fc.constantFrom('lt', 'lte'), bound)),
  )
  .filter(([from, to]) => (from ?? to) !== null && (from === null || to === null || typeof from[1] === typeof to[1]))
  .map((ends) => Object.fromEntries(ends.filter((end) => end !== null)))
const condition = fc.oneof(
  scalar,
  scalar.map((eq) => ({ eq })),
  fc.array(scalar, { minLength: 1, maxLength: 4 }).map((values) => ({ in: values })),
  range,
)
const path = fc.constantFrom(...INDEXES)
const query = fc.record(
  {
    where: fc.dictionary(path, condition, { maxKeys: 2 }),
    sort: fc
      .uniqueArray(path, { maxLength: 3 })
      .chain((paths) => fc.tuple(...paths.map((each) => fc.constantFrom(each, `-${each}`)))),
    limit: fc.integer({ min: 1, max: 7 }),
  },
  { requiredKeys: ['limit'] },
)
type Query = { where?: Record<string, any>; sort?: string[]; limit: number }

/** What `find` promises, as simply as it can be said. */
function naive(docs: readonly Doc[], { where = {}, sort = [] }: Query): string[] {
  const hits = docs.filter((doc) => Object.entries(where).every(([at, wanted]) => meets(valueAt(doc, at), wanted)))
  hits.sort((x, y) => {
    for (const each of sort) {
      const at = each.replace(/^-/, '')
      const order = compare(valueAt(x, at), valueAt(y, at))
      if (order !== 0) return each.startsWith('-') ? -order : order
    }
    const order = compare(x.id, y.id)
    return sort.at(-1)?.startsWith('-') ? -order : order
  })
  return hits.map(({ id }) => id)
}

function valueAt({ data: whole }: Doc, at: string): unknown {
  let current: any = whole
  for (const name of at.split('.')) {
    const isObject = typeof current === 'object' && current !== null && !Array.isArray(current)
    current = isObject && Object.hasOwn(current, name) ? current[name] : undefined
  }
  return typeof current === 'object' && current !== null ? 'an object'.split('') : (current ?? null)
}

const rank = (x: unknown): number =>
  typeof x === 'number' ? 0 : typeof x === 'string' ? 1 : x === false ? 2 : x === true ? 3 : x === null ? 4 : 5

function compare(x: any, y: any): number {
  if (rank(x) !== rank(y)) return rank(x) - rank(y)
  if (typeof x === 'number') return x - y
  if (typeof x !== 'string') return 0
  const [left, right] = [Array.from(x), Array.from(y as string)]
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const order = left[at]!.codePointAt(0)! - right[at]!.codePointAt(0)!
    if (order !== 0) return order
  }
  return left.length - right.length
}

function meets(actual: unknown, wanted: any): boolean {
  const equals = (x: unknown): boolean => rank(actual) === rank(x) && rank(x) < 5 && compare(actual, x) === 0
  if (typeof wanted !== 'object' || wanted === null) return equals(wanted)
  if ('eq' in wanted) return equals(wanted.eq)
  if ('in' in wanted) return wanted.in.some(equals)
  const holds = {
    gt: (n: number) => n > 0,
    gte: (n: number) => n >= 0,
    lt: (n: number) => n < 0,
    lte: (n: number) => n <= 0,
  }
  return Object.entries(wanted).every(
    ([name, end]) => rank(actual) === rank(end) && holds[name as keyof typeof holds](compare(actual, end)),
  )
}

/** With the bounds there are everything is sorted in memory; with small ones indexes are followed, group by group, with pauses. */
test.each([undefined, { sorted: 3, examined: 9 }, { sorted: 0, examined: 60 }])(
  'page by page, find gives what a naive implementation gives (bounds: %j)',
  async (bounds) => {
    const runs = 25
    await using world = await openDocs(Array.from({ length: runs * 10 }, (_, index) => `t${index}`))
    using reader = new DatabaseSync(join(world.stores.directory, 'cloister.db'), { readOnly: true })
    const bounded = createDocStore({
      notices: new Set(),
      queue: undefined as never,
      database: reader,
      clock: systemClock,
      ...(bounds && { bounds }),
    })
    const store = { ...bounded, declare: world.stores.docs.declare }
    const onFault = (_: string, error: unknown): void => void world.faults.push(error)
    const broker = createBroker({
      capabilities: [createDocsCapability({ store, clock: systemClock })],
      clock: systemClock,
      onFault,
    })
    const policy = { ...loadPolicies([]).resolve('default'), capabilities: { docs: GRANT } }
    let tenants = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(data, { maxLength: 30 }),
        fc.array(query, { minLength: 4, maxLength: 8 }),
        async (all, queries) => {
          const tenant = `t${tenants++}`
          const write = world.as(tenant)
          const docs = all.map((each, index) => ({ id: `${'é'.repeat(index % 3)}${index}`, data: each }))
          const inserts = docs.map((each) => ({ op: 'insert', collection: 'c', ...each }))
          // Some before there are indexes, some after.
          const [before, after] = [inserts.slice(0, 10), inserts.slice(10)]
          if (before.length > 0) expect(await write('transact', before)).toHaveProperty('value')
          await write('find', { name: 'c', indexes: INDEXES })
          if (after.length > 0) expect(await write('transact', after)).toHaveProperty('value')
          const session = broker.open(ticketOf(tenant, policy))
          for (const each of queries as Query[]) {
            const found: string[] = []
            let cursor: string | undefined
            let pages = 0
            do {
              const args = JSON.stringify([
                { name: 'c', indexes: INDEXES },
                { ...each, cursor },
              ])
              const { ok, text } = await session.call('docs.find', args)
              const page = JSON.parse(text) as { documents: Doc[]; cursor?: string }
              expect(ok, `${text} for ${args}`).toBe(true)
              expect(page.documents.length).toBeLessThanOrEqual(each.limit)
              found.push(...page.documents.map(({ id }) => id))
              cursor = page.cursor
              pages += 1
            } while (cursor !== undefined && pages < 500)
            expect(found, JSON.stringify([each, docs])).toEqual(naive(docs, each))
          }
        },
      ),
      { numRuns: runs },
    )
    expect(world.faults).toEqual([])
  },
)
