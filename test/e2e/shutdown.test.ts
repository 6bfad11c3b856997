import { expect, test } from 'vitest'
import { type Answer, type Server, cellsOf, haveBegun, sleeping, startServer, until } from './server.ts'

/** What a restart over the same directory finds in the ledger of `ann`. */
async function ledgerAfterRestart(directory: string): Promise<{ runs: any[]; verdict: any }> {
  await using server = await startServer({ directory })
  const runs = (await server.get('/v1/tenants/ann/runs?limit=1000')).body.runs
  return { runs, verdict: (await server.post('/v1/tenants/ann/bill/verify')).body }
}

/** Starts a run and waits until its code is running. */
async function startRun(server: Server, ms: number): Promise<{ answer: Promise<Answer | string> }> {
  await server.tenant('ann')
  const answer = server.run('ann', { code: sleeping(ms) }).catch((error: Error) => `cut off: ${error.message}`)
  await haveBegun(server, 'ann')
  return { answer }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s: a run in progress is finished and answered, new ones are refused, nothing is left behind',
  async (signal) => {
    await using server = await startServer()
    const { answer } = await startRun(server, 1_500)
    expect(cellsOf(server.directory).length).toBeGreaterThan(0)
    server.process.child.kill(signal)
    await server.process.printed('stderr', signal)

    const refused = await server.run('ann', { code: 'return 1' })
    expect({ status: refused.status, code: refused.body.error.code }).toEqual({ status: 503, code: 'DRAINING' })
    expect(refused.headers.get('connection')).toBe('close')
    const readiness = await server.get('/readyz')
    expect({ status: readiness.status, state: readiness.body.status }).toEqual({ status: 503, state: 'draining' })
    expect((await server.get('/healthz')).status).toBe(200)

    const last = (await answer) as Answer
    expect(last).toMatchObject({ status: 200, body: { status: 'ok', result: 'slept' } })
    expect(await server.ended).toMatchObject({ code: 0, signal: null })
    await expect(server.get('/healthz')).rejects.toThrow('fetch failed')
    expect(cellsOf(server.directory)).toEqual([])

    const { runs, verdict } = await ledgerAfterRestart(server.directory)
    expect(runs.find(({ runId }) => runId === last.body.runId)).toMatchObject({ status: 'ok', usage: last.body.usage })
    expect(verdict).toMatchObject({ ok: true, records: runs.length })
  },
)

test('a run that is longer than the host waits is ended by the host: its caller is told so, and nothing is charged', async () => {
  await using server = await startServer({ knobs: { DRAIN_MS: '300' } })
  const { answer } = await startRun(server, 60_000)
  const before = (await server.get('/v1/tenants/ann/bill')).body.records
  server.process.child.kill('SIGTERM')
  expect(await answer).toMatchObject({ status: 503, body: { error: { code: 'DRAINING' } } })
  expect(await server.ended).toMatchObject({ code: 0, signal: null })
  expect(cellsOf(server.directory)).toEqual([])
  const { runs, verdict } = await ledgerAfterRestart(server.directory)
  expect(runs.map(({ status }) => status)).toEqual(Array.from({ length: before }, () => 'ok'))
  expect(verdict).toMatchObject({ ok: true, records: before })
})

test('runs that still wait for their turn when the host has waited long enough are told so too', async () => {
  await using server = await startServer({ knobs: { DRAIN_MS: '300' } })
  await server.tenant('ann', { policy: { limits: { concurrency: 1, queueWaitMs: 60_000 } } })
  const answers = Array.from({ length: 5 }, () =>
    server.run('ann', { code: 'await new Promise((r) => setTimeout(r, 60_000))' }),
  )
  const held = async (): Promise<number> => (await server.get('/v1/tenants/ann/budget')).body.day.units.held
  // The worst case of one run is 100 units.
  await until(async () => (await held()) === 500)
  server.process.child.kill('SIGTERM')
  for (const { status, body } of await Promise.all(answers)) {
    expect({ status, code: body.error.code }).toEqual({ status: 503, code: 'DRAINING' })
  }
  expect(await server.ended).toMatchObject({ code: 0, signal: null })
  expect(cellsOf(server.directory)).toEqual([])
})

test('code in a tight loop does not hold up the end', async () => {
  await using server = await startServer({ knobs: { DRAIN_MS: '300' } })
  // A cell a run, so that the runs that ask whether it has begun do not wait behind it.
  const policy = { limits: { wallMs: 60_000, cpuMs: 60_000 }, instance: { runsPerCell: 1 } }
  await server.tenant('ann', { policy })
  const code = `await context.kv.increment('begun'); for (;;);`
  const answer = server.run('ann', { code }).catch(() => 'cut off')
  await haveBegun(server, 'ann')
  server.process.child.kill('SIGTERM')
  expect(await server.ended).toMatchObject({ code: 0, signal: null })
  await answer
  expect(cellsOf(server.directory)).toEqual([])
})

test('under load every answer that says a run took place is in the ledger, and every record has had its answer', async () => {
  await using server = await startServer()
  await server.tenant('ann')
  const answers: (Answer | string)[] = []
  let stopped = false
  const client = async (): Promise<void> => {
    while (!stopped) {
      const answer = await server.run('ann', { code: 'return 1' }).catch(() => 'cut off')
      answers.push(answer)
      if (typeof answer === 'string') stopped = true
    }
  }
  const clients = Promise.all(Array.from({ length: 8 }, client))
  await until(() => answers.length > 200)
  server.process.child.kill('SIGTERM')
  expect(await server.ended).toMatchObject({ code: 0, signal: null })
  stopped = true
  await clients
  const ran = answers.flatMap((answer) =>
    typeof answer === 'string' || answer.status !== 200 ? [] : [answer.body.runId],
  )
  for (const answer of answers) if (typeof answer !== 'string') expect([200, 503]).toContain(answer.status)

  await using second = await startServer({ directory: server.directory })
  const { text } = await second.get('/v1/tenants/ann/bill/records')
  const recorded = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(JSON.parse(line).canonical).run)
  expect(recorded.toSorted()).toEqual(ran.toSorted())
})

test('a signal before it is ready ends it as well', async () => {
  await using server = await startServer({ knobs: { BLANK_CELLS: '8' } })
  server.process.child.kill('SIGTERM')
  expect(await server.ended).toMatchObject({ code: 0, signal: null })
  expect(cellsOf(server.directory)).toEqual([])
})
