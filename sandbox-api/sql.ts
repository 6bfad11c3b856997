import type { Call } from './calls.ts'
import { StringFunction, defineProperty, freeze, hexOf, isUint8Array } from './primordials.ts'
import type { Sql, SqlQueries } from './types.d.ts'

type Statement = (text: string, params?: readonly unknown[]) => Promise<unknown>
type Methods = { readonly [name: string]: unknown }

const DEFAULT_DATABASE = 'default'

/** Guest half of `sql`: its host half, with the checks that count, is src/broker/sql.ts. */
export function createSql(call: Call): Sql {
  return createDatabase(call, DEFAULT_DATABASE)
}

function createDatabase(call: Call, name: string): Sql {
  const query: Statement = (text, params) => call('sql.query', [name, text, encodeParams(params)])
  return tagOf(query, {
    query,
    transaction: (work: (tx: SqlQueries) => unknown, options?: object) => transact(call, name, work, options),
    database: (other: string) => createDatabase(call, other),
  }) as unknown as Sql
}

async function transact(
  call: Call,
  name: string,
  work: (tx: SqlQueries) => unknown,
  options: object | undefined,
): Promise<unknown> {
  const id = await call('sql.begin', [name, options])
  const query: Statement = (text, params) => call('sql.queryIn', [id, text, encodeParams(params)])
  let value: unknown
  try {
    value = await work(tagOf(query, { query }) as unknown as SqlQueries)
  } catch (error) {
    try {
      await call('sql.rollback', [id])
    } catch {
      // What the work failed with says more; the host rolls back in any case.
    }
    throw error
  }
  await call('sql.commit', [id])
  return value
}

/** A function for templates, with methods of its own: sql`select ${id}` sends the text with `$1` in it, and the value. */
function tagOf(query: Statement, methods: Methods): object {
  const tag = (strings: readonly string[], ...values: readonly unknown[]): Promise<unknown> => {
    let text = ''
    for (let index = 0; index < strings.length; index += 1) {
      text += (index > 0 ? `$${index}` : '') + StringFunction(strings[index])
    }
    return query(text, values)
  }
  for (const name in methods) {
    defineProperty(tag, name, { __proto__: null, value: methods[name], enumerable: true } as PropertyDescriptor)
  }
  return freeze(tag)
}

/** Whole numbers of any size go as text, bytes in the form that a bytea is written in. The rest is JSON's, or refused by it. */
function encodeParams(params: readonly unknown[] | undefined): unknown {
  if (typeof params !== 'object' || params === null) return params
  const texts: unknown[] = []
  for (let index = 0; index < params.length; index += 1) {
    const value = params[index]
    const text = typeof value === 'bigint' ? StringFunction(value) : isUint8Array(value) ? `\\x${hexOf(value)}` : value
    // Defined, not assigned: a setter of the guest's on `Array.prototype` would get it instead.
    defineProperty(texts, index, {
      __proto__: null,
      value: text,
      enumerable: true,
      writable: true,
      configurable: true,
    } as PropertyDescriptor)
  }
  return texts
}
