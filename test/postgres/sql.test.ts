import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PostgresServer, postgresMissing, startPostgres } from './server.ts'
import { GRANT, type SqlWorld, openSql, openWitness, until } from './world.ts'

describe.skipIf(postgresMissing() !== undefined)('sql on a real PostgreSQL', () => {
  let server: PostgresServer
  let witness: pg.Client
  let world: SqlWorld
  beforeAll(async () => {
    server = await startPostgres({ max_connections: '30' })
    witness = await openWitness(server.url)
    await witness.query('CREATE TABLE notes (id int PRIMARY KEY, body text NOT NULL)')
    await witness.query('CREATE DATABASE bob')
    world = await openSql(['ann', 'bob', 'eve', 'kim', 'lee', 'max'])
    await world.bind('bob', 'default', server.url.replace('/postgres?', '/bob?'))
    for (const tenant of ['ann', 'kim', 'max']) await world.bind(tenant, 'default', server.url)
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
    await witness.end()
    await server[Symbol.asyncDispose]()
  })

  const backends = async (where: string): Promise<number> => {
    const text = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'cloister' AND ${where}`
    return (await witness.query<{ n: number }>(text)).rows[0]?.n ?? -1
  }

  describe('a statement', () => {
    test('gives rows, their count and their fields, each type as JSON can hold it', async () => {
      using run = world.run('ann')
      const answer = await run.query(
        `SELECT 1::int4 AS int, 9007199254740993::int8 AS big, 0.1::numeric AS num, 'NaN'::float8 AS nan, 1.5::float4 AS half,
          true AS yes, NULL::text AS nothing, '{"a":[1]}'::jsonb AS doc, '\\x00ff'::bytea AS bin,
          '2026-01-02 03:04:05.123456+02'::timestamptz AS at, '2026-01-02 03:04:05'::timestamp AS local,
          '2026-01-02'::date AS day, ARRAY[[1,NULL],[2,3]] AS matrix, ARRAY['a"b','{c}'] AS words,
          'infinity'::timestamptz AS never, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS id`,
      )
      expect(answer).toMatchObject({
        value: {
          rowCount: 1,
          rows: [
            {
              int: 1,
              big: '9007199254740993',
              num: '0.1',
              nan: 'NaN',
              half: 1.5,
              yes: true,
              nothing: null,
              doc: { a: [1] },
              bin: 'AP8=',
              at: '2026-01-02T01:04:05.123456Z',
              local: '2026-01-02T03:04:05',
              day: '2026-01-02',
              matrix: [
                [1, null],
                [2, 3],
              ],
              words: ['a"b', '{c}'],
              never: 'infinity',
              id: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
            },
          ],
        },
      })
      const { value } = answer as { value: { fields: object[] } }
      expect(value.fields.slice(0, 3)).toEqual([
        { name: 'int', type: 'int4' },
        { name: 'big', type: 'int8' },
        { name: 'num', type: 'numeric' },
      ])
    })

    test('takes parameters of every kind, and never as part of its text', async () => {
      using run = world.run('ann')
      const params = [1, '9007199254740993', true, null, { a: [1] }, [1, 2], "x'; DROP TABLE notes; --"]
      const text = 'SELECT $1::int4 a, $2::int8 b, $3::bool c, $4::text d, $5::jsonb e, $6::int4[] f, $7::text g'
      expect(await run.query(text, params)).toMatchObject({
        value: { rows: [{ a: 1, b: params[1], c: true, d: null, e: { a: [1] }, f: [1, 2], g: params[6] }] },
      })
    })

    test('that changes rows says how many', async () => {
      using run = world.run('ann')
      const insert = await run.query('INSERT INTO notes SELECT n, $1 FROM generate_series(1001, 1007) n', ['x'])
      expect(insert).toMatchObject({ value: { rows: [], rowCount: 7 } })
      const removed = await run.query('DELETE FROM notes WHERE id > 1000 RETURNING id')
      expect(removed).toMatchObject({
        value: { rowCount: 7, rows: expect.arrayContaining([{ id: 1001 }, { id: 1007 }]) },
      })
      expect(run.session.traffic.egress).toBeGreaterThan(100)
      expect(run.session.traffic.ingress).toBeGreaterThan(100)
    })

    test('that the server refuses is told with SQLSTATE and position', async () => {
      using run = world.run('ann')
      expect(await run.query('SELECT nothing_of_it')).toEqual({
        code: 'SQL_ERROR',
        message: 'column "nothing_of_it" does not exist',
        details: { sqlState: '42703', position: 8 },
      })
      await run.query('INSERT INTO notes VALUES (1, $1)', ['first'])
      expect(await run.query('INSERT INTO notes VALUES (1, $1)', ['second'])).toMatchObject({
        code: 'SQL_ERROR',
        details: { sqlState: '23505', constraint: 'notes_pkey', table: 'notes' },
      })
    })

    test.each([
      ['SELECT 1; SELECT 2', 'SQL_ERROR', 'cannot insert multiple commands into a prepared statement'],
      ['COPY notes TO STDOUT', 'INVALID_ARGUMENT', 'COPY is not available: insert rows, or select them'],
      ['/* a /* b */ */ -- c\n copy notes FROM STDIN', 'INVALID_ARGUMENT', 'COPY is not available'],
      ['BEGIN', 'INVALID_ARGUMENT', 'transactions begin and end by sql.transaction(…), not by statements'],
      [';\n commit', 'INVALID_ARGUMENT', 'transactions begin and end'],
      ["PREPARE TRANSACTION 'x'", 'INVALID_ARGUMENT', 'PREPARE TRANSACTION is not available'],
      ['SELECT 1\0', 'INVALID_ARGUMENT', 'text holds a NUL'],
      ['', 'INVALID_ARGUMENT', 'text must be a string that is not empty'],
    ])('%j is refused', async (text, code, message) => {
      using run = world.run('ann')
      const answer = await run.query(text)
      expect(answer).toMatchObject({ code, message: expect.stringContaining(message) })
      expect(await run.query('SELECT 1 AS one')).toMatchObject({ value: { rows: [{ one: 1 }] } })
    })

    test('may have rows and bytes up to the policy’s bounds and not one more, however large the table is', async () => {
      using run = world.run('ann')
      const rows = (count: number) => run.query('SELECT n FROM generate_series(1, $1::int) n', [count])
      expect(await rows(200)).toMatchObject({ value: { rowCount: 200 } })
      expect(await rows(201)).toMatchObject({ code: 'QUOTA_EXCEEDED', message: expect.stringContaining('200 rows') })
      const endless = 'SELECT a FROM generate_series(1, 50000) a, generate_series(1, 50000) b'
      expect(await run.query(endless)).toMatchObject({ code: 'QUOTA_EXCEEDED' })
      const text = (size: number) => run.query("SELECT repeat('x', $1::int) AS x", [size])
      // `{"x":"…"}` and a comma.
      expect(await text(20_000 - 9)).toMatchObject({ value: { rowCount: 1 } })
      expect(await text(20_000 - 8)).toMatchObject({
        code: 'QUOTA_EXCEEDED',
        message: expect.stringContaining('20000'),
      })
      // One row of 5 MB never comes to be in the host: the connection is cut.
      expect(await text(5_000_000)).toMatchObject({ code: 'QUOTA_EXCEEDED', message: expect.stringContaining('cut') })
      expect(await rows(1)).toMatchObject({ value: { rowCount: 1 } })
    })
  })

  describe('a transaction', () => {
    test('is seen by nobody until it is committed, and then whole', async () => {
      using run = world.run('ann')
      const id = await run.begin({ isolation: 'serializable' })
      await run.call('queryIn', id, 'INSERT INTO notes VALUES (10, $1)', ['a'])
      expect((await witness.query('SELECT 1 FROM notes WHERE id = 10')).rowCount).toBe(0)
      expect(await run.query('SELECT 1 FROM notes WHERE id = 10')).toMatchObject({ value: { rowCount: 0 } })
      expect(await run.call('commit', id)).toEqual({ value: undefined })
      expect((await witness.query('SELECT 1 FROM notes WHERE id = 10')).rowCount).toBe(1)
      const over = { code: 'INVALID_ARGUMENT', message: 'the transaction is over' }
      expect(await run.call('queryIn', id, 'SELECT 1')).toEqual(over)
      expect(await run.call('commit', id)).toEqual(over)
      expect(await run.call('rollback', id)).toEqual(over)
    })

    test('in which a statement failed cannot be committed', async () => {
      using run = world.run('ann')
      const id = await run.begin()
      await run.call('queryIn', id, 'INSERT INTO notes VALUES (11, $1)', ['a'])
      expect(await run.call('queryIn', id, 'SELECT nonsense')).toMatchObject({ code: 'SQL_ERROR' })
      expect(await run.call('queryIn', id, 'SELECT 1')).toMatchObject({ details: { sqlState: '25P02' } })
      expect(await run.call('commit', id)).toMatchObject({ code: 'SQL_ERROR', details: { sqlState: '25P02' } })
      expect((await witness.query('SELECT 1 FROM notes WHERE id = 11')).rowCount).toBe(0)
    })

    test('goes on behind a savepoint, and is rolled back by rollback', async () => {
      using run = world.run('ann')
      const id = await run.begin()
      await run.call('queryIn', id, 'SAVEPOINT s')
      await run.call('queryIn', id, 'SELECT nonsense')
      expect(await run.call('queryIn', id, 'ROLLBACK TO SAVEPOINT s')).toHaveProperty('value')
      expect(await run.call('queryIn', id, 'INSERT INTO notes VALUES (12, $1)', ['a'])).toHaveProperty('value')
      expect(await run.call('rollback', id)).toEqual({ value: undefined })
      expect((await witness.query('SELECT 1 FROM notes WHERE id = 12')).rowCount).toBe(0)
    })

    test('that only reads writes nothing', async () => {
      using run = world.run('ann')
      const id = await run.begin({ readOnly: true })
      const answer = await run.call('queryIn', id, 'INSERT INTO notes VALUES (13, $1)', ['a'])
      expect(answer).toMatchObject({ details: { sqlState: '25006' } })
    })

    test('of a run that ends, however it ends, is rolled back and holds nothing any more', async () => {
      const run = world.run('ann')
      const id = await run.begin()
      await run.call('queryIn', id, 'INSERT INTO notes VALUES (14, $1)', ['a'])
      run[Symbol.dispose]()
      // The witness waits for the row's lock if there is one.
      await witness.query("INSERT INTO notes VALUES (14, 'of the witness')")
      await until(async () => (await backends("state LIKE 'idle in transaction%'")) === 0)
    })

    test('can be open four times in a run', async () => {
      using run = world.run('max', { ...GRANT, connections: 6 })
      for (let count = 0; count < 4; count += 1) await run.begin()
      const fifth = await run.call('begin', 'default')
      expect(fifth).toMatchObject({ code: 'QUOTA_EXCEEDED' })
    })

    test.each([
      [{ isolation: 'chaos' }, 'options.isolation must be one of read committed, repeatable read, serializable'],
      [{ readOnly: 1 }, 'options.readOnly must be true or false'],
      [{ wait: 1 }, 'options.wait is not known; there is isolation, readOnly'],
      [[], 'options must be an object'],
    ])('with %j is refused', async (options, message) => {
      using run = world.run('ann')
      expect(await run.call('begin', 'default', options)).toEqual({ code: 'INVALID_ARGUMENT', message })
    })
  })

  describe('between runs', () => {
    test('nothing of a session is left to the next run: settings, tables, locks, listeners, statements', async () => {
      const one = { ...GRANT, connections: 1 }
      const dirt = [
        "SELECT set_config('search_path', 'pg_temp', false), set_config('my.secret', 'x', false)",
        "SET TIME ZONE 'Asia/Tokyo'",
        'SET statement_timeout = 0',
        'CREATE TEMP TABLE secret AS SELECT 1 AS x',
        'SELECT pg_advisory_lock(7)',
        'LISTEN news',
        'PREPARE peek AS SELECT 1',
        'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
        'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
      ]
      let pid: unknown
      {
        using first = world.run('kim', one)
        pid = await first.query('SELECT pg_backend_pid() AS pid')
        for (const text of dirt) expect(await first.query(text)).toHaveProperty('value')
      }
      using second = world.run('kim', one)
      // The very same session, or this proves nothing.
      expect(await second.query('SELECT pg_backend_pid() AS pid')).toEqual(pid)
      const look = await second.query(
        `SELECT current_setting('search_path') AS path, current_setting('my.secret', true) AS mine,
          current_setting('TimeZone') AS zone, to_regclass('pg_temp.secret') AS temp,
          (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks,
          (SELECT count(*) FROM pg_listening_channels()) AS channels,
          (SELECT count(*) FROM pg_prepared_statements WHERE name <> '') AS statements,
          (SELECT count(*) FROM pg_cursors WHERE is_holdable) AS cursors,
          current_setting('default_transaction_read_only') AS readonly`,
      )
      expect(look).toMatchObject({
        value: {
          rows: [
            {
              path: '"$user", public',
              mine: '',
              zone: 'UTC',
              temp: null,
              locks: '0',
              channels: '0',
              statements: '0',
              cursors: '0',
              readonly: 'off',
            },
          ],
        },
      })
    })

    test('a statement that still runs when its run ends is stopped at the server', async () => {
      const run = world.run('ann')
      const answer = run.query('SELECT pg_sleep(600)')
      await until(async () => (await backends("query LIKE '%pg_sleep(600)%' AND state = 'active'")) === 1)
      run[Symbol.dispose]()
      await until(async () => (await backends("query LIKE '%pg_sleep(600)%' AND state = 'active'")) === 0)
      expect(await answer).toMatchObject({ code: 'UNAVAILABLE' })
    })

    test('a statement is stopped by the server itself when the run’s time is over', async () => {
      using run = world.run('ann', GRANT, 300)
      expect(await run.query('SELECT pg_sleep(600)')).toMatchObject({
        code: 'SQL_ERROR',
        details: { sqlState: '57014' },
      })
      const id = await world
        .run('ann', GRANT, 300)
        .begin()
        .catch(() => undefined)
      expect(id).toBeDefined()
    })

    test('after its end a run has no database', async () => {
      const run = world.run('ann')
      run[Symbol.dispose]()
      expect(await run.query('SELECT 1')).toMatchObject({ code: 'RUN_OVER' })
    })
  })

  describe('the line in front of a database', () => {
    test('a thousand runs at once take no more connections than there are, and all of them succeed', async () => {
      const counts: number[] = []
      const state = { ended: false }
      const watching = until(async () => {
        counts.push(await backends("datname = 'bob'"))
        return state.ended
      })
      const answers = await Promise.all(
        Array.from({ length: 1_000 }, async (_, index) => {
          using run = world.run('bob')
          return await run.query('SELECT $1::int AS n', [index])
        }),
      )
      state.ended = true
      await watching
      const numbers = answers.map((answer) => ('value' in answer ? answer.value.rows[0].n : answer))
      expect(numbers).toEqual(Array.from({ length: 1_000 }, (_, index) => index))
      expect(Math.max(...counts)).toBe(4)
    })

    test('is as long as the policy says', async () => {
      const grant = { ...GRANT, connections: 1, waiting: 2 }
      await world.bind('max', 'default', server.url)
      using holder = world.run('max', grant)
      await holder.begin()
      using run = world.run('max', grant)
      const waiting = [run.query('SELECT 1'), run.query('SELECT 2')]
      expect(await run.query('SELECT 3')).toEqual({
        code: 'QUOTA_EXCEEDED',
        message: '2 calls wait for a connection already (capabilities.sql.waiting)',
      })
      holder[Symbol.dispose]()
      for (const answer of await Promise.all(waiting)) expect(answer).toHaveProperty('value')
    })
  })

  describe('a database that is not there', () => {
    test('is told, with no word of where it would be or how one gets in', async () => {
      await world.bind('eve', 'default', server.url.replace(/:[^:@]*@/, ':wrong@'))
      await world.bind('eve', 'gone', 'postgres://u:the-password@127.0.0.1:1/db?sslmode=disable')
      await world.bind('eve', 'inside', server.url, 'tenant')
      await world.bind('eve', 'tls', server.url.replace('?sslmode=disable', ''))
      using run = world.run('eve')
      expect(await run.query('SELECT 1')).toEqual({
        code: 'UNAVAILABLE',
        message: 'the database refused the connection (28P01)',
        details: { sqlState: '28P01' },
      })
      expect(await run.call('query', 'gone', 'SELECT 1')).toEqual({
        code: 'UNAVAILABLE',
        message: 'the database cannot be reached (ECONNREFUSED)',
      })
      expect(await run.call('query', 'inside', 'SELECT 1')).toEqual({
        code: 'UNAVAILABLE',
        message: 'the host is not a public address; only the operator may bind a private one',
      })
      expect(await run.call('query', 'tls', 'SELECT 1')).toMatchObject({ code: 'UNAVAILABLE' })
      expect(await run.call('query', 'nobody', 'SELECT 1')).toMatchObject({ code: 'INVALID_ARGUMENT' })
      expect(await run.call('query', '../default', 'SELECT 1')).toMatchObject({ code: 'INVALID_ARGUMENT' })
    })

    test('is not found under another tenant’s name for it', async () => {
      using run = world.run('lee')
      expect(await run.query('SELECT 1')).toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('"default"'),
      })
    })

    test('that breaks in the middle of a statement fails that statement, and the next ones find the next server', async () => {
      await using doomed = await startPostgres()
      await world.bind('lee', 'default', doomed.url)
      using run = world.run('lee')
      const id = await run.begin()
      const answers = [run.query('SELECT pg_sleep(600)'), run.call('queryIn', id, 'SELECT pg_sleep(600)')]
      await run.query('SELECT 1')
      await doomed.crash()
      for (const answer of await Promise.all(answers))
        expect(['UNAVAILABLE', 'SQL_ERROR']).toContain((answer as any).code)
      expect(await run.query('SELECT 1')).toMatchObject({ code: 'UNAVAILABLE' })
      await world.bind('lee', 'default', server.url)
      expect(await run.query('SELECT 1')).toHaveProperty('value')
    })
  })

  test('none of what is tried here is a fault of the host', () => {
    expect(world.faults).toEqual([])
  })
})
