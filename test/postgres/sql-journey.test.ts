import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDirectory, runProgram } from '../cli/command-line.ts'
import { type Server, cellsOf, startServer, until } from '../e2e/server.ts'
import { type PostgresServer, postgresMissing, startPostgres } from './server.ts'
import { openWitness } from './world.ts'

describe.skipIf(postgresMissing() !== undefined)('sql from outside to inside', () => {
  let postgres: PostgresServer
  let witness: pg.Client
  let server: Server
  beforeAll(async () => {
    postgres = await startPostgres()
    witness = await openWitness(postgres.url)
    await witness.query('CREATE TABLE orders (id serial PRIMARY KEY, who text NOT NULL, cents int8 NOT NULL)')
    server = await startServer()
    await server.tenant('ann')
    await server.tenant('bob')
    const bound = await server.put('/v1/tenants/ann/sql/default', { url: postgres.url })
    if (bound.status !== 201) throw new Error(bound.text)
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await witness.end()
    await postgres[Symbol.asyncDispose]()
  })

  const orders = async (who: string): Promise<number> =>
    (await witness.query('SELECT 1 FROM orders WHERE who = $1', [who])).rowCount ?? -1

  test('guest code queries, by template and by text, and what it did is counted', async () => {
    const code = `
      const { sql } = context
      const who = "o'neil"
      const first = await sql\`INSERT INTO orders (who, cents) VALUES (\${who}, \${12345678901234567890n % 10n ** 15n}) RETURNING id, cents\`
      const { rows } = await sql.query('SELECT who FROM orders WHERE id = $1', [first.rows[0].id])
      const raw = await sql\`SELECT \${new Uint8Array([0, 255])}::bytea AS bytes, \${new Date(0)}::timestamptz AS at\`
      const fault = await sql\`SELECT nonsense\`.catch((error) => error)
      return { cents: first.rows[0].cents, rows, raw: raw.rows[0], fault: { ...fault, is: fault instanceof Error } }`
    const { body } = await server.run('ann', { code })
    expect(body).toMatchObject({
      status: 'ok',
      result: {
        cents: '678901234567890',
        rows: [{ who: "o'neil" }],
        raw: { bytes: 'AP8=', at: '1970-01-01T00:00:00Z' },
        fault: { code: 'SQL_ERROR', sqlState: '42703', position: 8, is: true },
      },
      usage: { operations: { 'sql.query': 4 } },
    })
  })

  test('a transaction commits when its work is done and rolls back when it throws', async () => {
    const code = `
      const { sql } = context
      const value = await sql.transaction(async (tx) => {
        await tx\`INSERT INTO orders (who, cents) VALUES ('kept', 1)\`
        return 'done'
      }, { isolation: 'serializable' })
      const failure = await sql.transaction(async (tx) => {
        await tx.query("INSERT INTO orders (who, cents) VALUES ('lost', 1)")
        throw new Error('no')
      }).catch((error) => error.message)
      return [value, failure]`
    const { body } = await server.run('ann', { code })
    expect(body).toMatchObject({ status: 'ok', result: ['done', 'no'] })
    expect([await orders('kept'), await orders('lost')]).toEqual([1, 0])
  })

  test.each([
    ['timeout', 'for (;;) await Promise.resolve()'],
    ['error', 'throw new Error("over")'],
  ])('a transaction whose run ends as %s is rolled back', async (status, end) => {
    const code = `await context.sql.transaction(async (tx) => {
      await tx\`INSERT INTO orders (who, cents) VALUES (\${'${status}'}, 1)\`
      ${end}
    })`
    const { body } = await server.run('ann', { code, ...(status === 'timeout' && { timeoutMs: 1_000 }) })
    expect(body.status).toBe(status)
    // Were it open still, this would wait for its lock.
    await witness.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; COMMIT')
    expect(await orders(status)).toBe(0)
  })

  test('a transaction whose cell dies is rolled back', async () => {
    const code = `await context.sql.transaction(async (tx) => {
      await tx\`INSERT INTO orders (who, cents) VALUES ('died', 1)\`
      await new Promise((resolve) => setTimeout(resolve, 60_000))
    })`
    const run = server.run('ann', { code })
    const open = "SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND application_name = 'cloister'"
    await until(async () => (await witness.query(open)).rowCount === 1)
    for (const pid of cellsOf(server.directory)) process.kill(pid, 'SIGKILL')
    expect((await run).body.status).toBe('crashed')
    await until(async () => (await witness.query(open)).rowCount === 0)
    expect(await orders('died')).toBe(0)
  })

  test('another tenant has no database by that name, and one of its own only in the open internet', async () => {
    const look = { code: 'return await context.sql`SELECT 1`.catch((error) => error.message)' }
    expect((await server.run('bob', look)).body.result).toBe('no database is bound to the name "default"')
    const bob = await server.asTenant('bob')
    expect((await bob.put('/v1/tenants/ann/sql/default', { url: postgres.url })).status).toBe(403)
    const bound = await bob.put('/v1/tenants/bob/sql/default', { url: postgres.url })
    expect(bound).toMatchObject({ status: 201, body: { boundBy: 'tenant' } })
    const refusal = 'the host is not a public address; only the operator may bind a private one'
    expect((await server.run('bob', look)).body.result).toBe(refusal)
    expect((await bob.post('/v1/tenants/bob/sql/default/test')).body).toMatchObject({ ok: false, reason: refusal })
    await server.tenant('plain', { policy: { capabilities: { sql: null } } })
    expect(await server.put('/v1/tenants/plain/sql/default', { url: postgres.url })).toMatchObject({ status: 403 })
  })

  test('the API answers with everything but the password, and names every fault of a URL without repeating it', async () => {
    const list = await server.get('/v1/tenants/ann/sql')
    expect(list.body.databases).toMatchObject([{ name: 'default', host: '127.0.0.1', user: 'postgres' }])
    const one = await server.get('/v1/tenants/ann/sql/default')
    const trial = await server.post('/v1/tenants/ann/sql/default/test')
    expect(trial.body).toMatchObject({ ok: true, server: expect.stringMatching(/^\d+/) })
    const url = 'mysql://u:hidden%ZZ@h/?sslmode=maybe&sslkey=/etc/shadow'
    const bad = await server.put('/v1/tenants/ann/sql/other', { url })
    expect(bad).toMatchObject({ status: 400, body: { error: { code: 'INVALID_REQUEST' } } })
    for (const fault of ['postgres://', 'no escape', 'sslmode', 'not known'])
      expect(bad.body.error.message).toContain(fault)
    const all = [list, one, trial, bad].map(({ text }) => text).join()
    for (const secret of ['hidden', postgres.password, encodeURIComponent(postgres.password), 'shadow']) {
      expect(all).not.toContain(secret)
    }
    expect(await server.get('/v1/tenants/ann/sql/none')).toMatchObject({ status: 404 })
    expect(await server.delete('/v1/tenants/ann/sql/none')).toMatchObject({ status: 404 })
  })

  test('the command line binds, lists, tests and unbinds', async () => {
    using folder = createDirectory()
    const file = join(folder.path, 'url')
    writeFileSync(file, `${postgres.url}\n`)
    const env = { CLOISTER_URL: server.url, CLOISTER_KEY: server.adminKey }
    const cloister = (...args: string[]) => runProgram(['sql', ...args, '--tenant', 'ann'], { env })
    expect(await cloister('put', 'reports', file)).toMatchObject({ code: 0 })
    const listed = await cloister('list')
    expect(listed.stdout).toMatch(/reports +127\.0\.0\.1:\d+ +postgres +postgres +disable +operator/)
    expect(await cloister('test', 'reports')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^PostgreSQL \d+/),
    })
    expect(await cloister('delete', 'reports')).toMatchObject({ code: 0 })
    expect(await cloister('test', 'reports')).toMatchObject({ code: 3 })
  })
})
