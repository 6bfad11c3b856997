import { afterAll, beforeAll, expect, test } from 'vitest'
import { RUN_STATUSES } from '../../src/core/outcome.ts'
import { type RunUsage, expectBill, expectUsage } from './independent-bill.ts'
import { type Server, cellsOf, sleeping, startServer, until } from './server.ts'

const TENANT = 'ann'
const MEMORY_MB = 64
// Wide where a program does not aim at the limit, so that a slow machine ends no run that should go on.
const POLICY = { limits: { wallMs: 60_000, cpuMs: 1_000, memoryMb: MEMORY_MB, outputBytes: 1_000 } }
const LOOP = 'for (;;);'
const FILL = 'const rows = []; for (;;) rows.push(new Array(1_000_000).fill(rows.length))'

interface Case {
  readonly what: string
  readonly status: string
  readonly run: object
  readonly error?: { readonly name: string; readonly message: RegExp }
  readonly result?: unknown
}

const cases: readonly Case[] = [
  {
    what: 'returns JSON',
    status: 'ok',
    run: { code: 'return { n: input.n * 2 }', input: { n: 21 } },
    result: { n: 42 },
  },
  { what: 'returns nothing', status: 'ok', run: { code: '' }, result: null },
  {
    what: 'throws',
    status: 'error',
    run: { code: 'throw new TypeError("no")' },
    error: { name: 'TypeError', message: /^no$/ },
  },
  {
    what: 'does not compile',
    status: 'error',
    run: { code: 'const n = 1\n  n n' },
    error: { name: 'SyntaxError', message: /\[main\.js:2:5\]$/ },
  },
  {
    what: 'returns a BigInt',
    status: 'error',
    run: { code: 'return [1n]' },
    error: { name: 'TypeError', message: /result\[0\] is a BigInt/ },
  },
  {
    what: 'waits for nothing',
    status: 'error',
    run: { code: 'await new Promise(() => {})' },
    error: { name: 'Error', message: /nothing can settle/ },
  },
  {
    what: 'waits too long',
    status: 'timeout',
    run: { code: sleeping(60_000), timeoutMs: 250 },
    error: { name: 'Error', message: /wall time limit/ },
  },
  {
    what: 'computes past its wall time',
    status: 'timeout',
    run: { code: LOOP, timeoutMs: 150 },
    error: { name: 'Error', message: /wall time limit/ },
  },
  {
    what: 'computes past its CPU time',
    status: 'cpu-exceeded',
    run: { code: LOOP },
    error: { name: 'Error', message: /limits\.cpuMs/ },
  },
  {
    what: 'fills its heap',
    status: 'memory-exceeded',
    run: { code: FILL },
    error: { name: 'Error', message: /memory limit|heap/ },
  },
  {
    what: 'answers too much',
    status: 'output-exceeded',
    run: { code: 'return "x".repeat(999)' },
    error: { name: 'RangeError', message: /1001 characters .* is 1000/ },
  },
]

let server: Server
const usages: RunUsage[] = []
const seen = new Set<string>()

beforeAll(async () => {
  server = await startServer()
  await server.tenant(TENANT, { policy: POLICY })
})
afterAll(() => server[Symbol.asyncDispose]())

/** The record of a run is what its answer was, and what a filtered page shows. */
async function expectRecorded(answer: any): Promise<void> {
  const { runId, status, error, logs, usage } = answer
  const { body } = await server.get(`/v1/tenants/${TENANT}/runs/${runId}`)
  expect(body).toMatchObject({
    runId,
    tenant: TENANT,
    trigger: 'execute',
    status,
    logs,
    usage,
    policy: 'custom',
    walls: expect.stringMatching(/^[ABC]$/),
  })
  expect(body.error).toEqual(error)
  const page = await server.get(`/v1/tenants/${TENANT}/runs?status=${status}&limit=1`)
  expect(page.body.runs[0]).toMatchObject({ runId, status, usage })
  seen.add(status)
  usages.push(usage)
}

test.each(cases)(
  'code that $what ends as $status: HTTP 200, charged, recorded',
  async ({ run, status, error, result }) => {
    const { status: http, body } = await server.run(TENANT, run)
    expect({ http, status: body.status }).toEqual({ http: 200, status })
    expectUsage(body.usage, MEMORY_MB)
    if (error === undefined) expect(body).toMatchObject({ result })
    else {
      expect(body).not.toHaveProperty('result')
      expect(body.error).toMatchObject({
        name: error.name,
        message: expect.stringMatching(error.message),
        stack: expect.any(String),
      })
    }
    await expectRecorded(body)
  },
)

test('a run that is ended by its wall time is charged for that time and none beyond', async () => {
  const { body } = await server.run(TENANT, { code: LOOP, timeoutMs: 200 })
  expect(body).toMatchObject({ status: 'timeout', usage: { wallMs: 200, units: 2 } })
  await expectRecorded(body)
})

test('code whose cell dies ends as crashed, and is charged', async () => {
  const running = server.run(TENANT, { code: sleeping(60_000) })
  const before = await server.run(TENANT, { code: 'return await context.kv.get("begun")' })
  usages.push(before.body.usage)
  let begun = before.body.result
  while (begun !== 2) {
    const { body } = await server.run(TENANT, { code: 'return await context.kv.get("begun")' })
    usages.push(body.usage)
    begun = body.result
  }
  const ended = await retiredCells()
  const cells = cellsOf(server.directory)
  for (const pid of cells) process.kill(pid, 'SIGSEGV')
  const { status, body } = await running
  // The blank cells died too; the next run is to find none of them.
  await until(async () => (await retiredCells()) >= ended + cells.length)
  expect({ http: status, status: body.status }).toEqual({ http: 200, status: 'crashed' })
  expectUsage(body.usage, MEMORY_MB)
  expect(body.usage.operations).toEqual({ 'kv.increment': 1 })
  await expectRecorded(body)
  const next = await server.run(TENANT, { code: 'return "alive"' })
  expect(next.body).toMatchObject({ status: 'ok', result: 'alive' })
  usages.push(next.body.usage)
})

/** Cells that the host knows to have ended, for whatever reason. */
async function retiredCells(): Promise<number> {
  const { text } = await server.get('/metrics')
  const counts = text.matchAll(/^cloister_cells_retired_total\{.*\} (\d+)$/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

test('a run whose caller goes away ends as cancelled, and is charged', async () => {
  const page = async (): Promise<any[]> => (await server.get(`/v1/tenants/${TENANT}/runs?status=cancelled`)).body.runs
  const caller = new AbortController()
  const running = server.run(
    TENANT,
    { code: 'await new Promise((r) => setTimeout(r, 60_000))' },
    { signal: caller.signal },
  )
  running.catch(() => {})
  await until(async () => (await server.get(`/v1/tenants/${TENANT}/budget`)).body.day.units.held > 0)
  caller.abort()
  await expect(running).rejects.toThrow('aborted')
  await until(async () => (await page()).length > 0)
  const [run] = await page()
  expectUsage(run.usage, MEMORY_MB)
  const { body } = await server.get(`/v1/tenants/${TENANT}/runs/${run.runId}`)
  await expectRecorded(body)
})

test('every way to end has been seen, each run is in the ledger once, and the bill is their sum', async () => {
  // Only a run of an execution can wait: durable.test.ts.
  const all = RUN_STATUSES.filter((status) => status !== 'suspended')
  expect(all.filter((status) => !seen.has(status))).toEqual([])
  const { body: usage } = await server.get(`/v1/tenants/${TENANT}/usage?groupBy=outcome`)
  expect(usage.rows.map((row: any) => row.outcome).toSorted()).toEqual(all.toSorted())
  expect(usage.total).toMatchObject({
    requests: usages.length,
    units: usages.reduce((sum, { units }) => sum + units, 0),
    coldStarts: usages.filter(({ coldStart }) => coldStart).length,
  })
  await expectBill(server, TENANT, usages)
  const { body: verdict } = await server.post(`/v1/tenants/${TENANT}/bill/verify`)
  expect(verdict).toMatchObject({ ok: true, records: usages.length })
})
