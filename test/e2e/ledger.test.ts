import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDirectory } from '../cli/command-line.ts'
import { type RunUsage, expectBill } from './independent-bill.ts'
import { type Server, startServer } from './server.ts'

// Prices that nothing divides evenly, so that every line has something to round.
const BOOK = {
  name: 'odd',
  version: 3,
  currency: 'USD',
  effectiveFrom: '2020-01-01',
  prices: {
    computeUsdPerGbSecond: '0.000016666789',
    requestUsdPerMillion: '0.333333333333',
    cpuUsdPerSecond: '0.000012345679',
    operationsUsdPerMillion: { 'kv.reads': '0.70', 'kv.writes': '4.999999' },
  },
  operations: { 'kv.reads': ['kv.get'], 'kv.writes': ['kv.put', 'kv.increment'] },
}
const PROGRAMS = [
  'return input',
  'await context.kv.increment("n"); return [await context.kv.get("n")]',
  'await new Promise((resolve) => setTimeout(resolve, 110)); console.log("late"); return "x".repeat(1_000)',
  'throw new Error("no")',
]
const RUNS = 60
const TENANTS = ['ann', 'bob'] as const
// A hundred runs at once, each with a commit of its own in the middle: on a machine that is busy with other things they
// take seconds. One that was ended at its limit would rightly lack the operations that it did not come to.
const PATIENCE = { wallMs: 60_000, cpuMs: 30_000, queueWaitMs: 60_000 }

const folder = createDirectory()
const book = join(folder.path, 'prices.json')
const answers = new Map<string, any[]>()
let server: Server

beforeAll(async () => {
  writeFileSync(book, JSON.stringify(BOOK))
  server = await startServer({ knobs: { PRICE_BOOK: book } })
  await Promise.all(
    TENANTS.map((tenant, index) =>
      server.tenant(tenant, {
        policy: { limits: { ...PATIENCE, memoryMb: 64 + 37 * index } },
      }),
    ),
  )
  // All at once and of both tenants, so that records of one commit belong to several chains.
  await Promise.all(
    TENANTS.map(async (tenant) => {
      const runs = Array.from({ length: RUNS }, (_, n) =>
        server.run(tenant, { code: PROGRAMS[n % PROGRAMS.length], input: n }),
      )
      answers.set(
        tenant,
        (await Promise.all(runs)).map(({ body }) => body),
      )
    }),
  )
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

const usagesOf = (tenant: string): RunUsage[] => answers.get(tenant)!.map(({ usage }) => usage)
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
const micros = (ms: number): number => Math.round(ms * 1_000)

test('every run ended as its code says', () => {
  // Everything below counts on it: a run that the machine was too slow for is told apart here from one miscounted.
  const endings = TENANTS.flatMap((tenant) => answers.get(tenant)!.map(({ status, error }) => ({ status, error })))
  expect(endings.filter(({ status, error }) => status !== 'ok' && error?.message !== 'no')).toEqual([])
})

test.each(TENANTS)('%s: every run is in the ledger once, in a chain that anybody can check', async (tenant) => {
  const { text, headers } = await server.get(`/v1/tenants/${tenant}/bill/records`)
  expect(headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  let head = '0'.repeat(64)
  for (const [index, { sequence, previousHash, hash, canonical }] of lines.entries()) {
    expect({ sequence, previousHash }).toEqual({ sequence: index + 1, previousHash: head })
    head = createHash('sha256')
      .update(head + canonical)
      .digest('hex')
    expect(hash).toBe(head)
  }
  const records = new Map(lines.map(({ canonical }) => [JSON.parse(canonical).run, JSON.parse(canonical)]))
  expect(records.size).toBe(RUNS)
  for (const { runId, status, usage, result } of answers.get(tenant)!) {
    expect(records.get(runId)).toMatchObject({
      tenant,
      status,
      trigger: 'execute',
      wallMicros: micros(usage.wallMs),
      cpuMicros: micros(usage.cpuMs),
      units: usage.units,
      memoryMb: usage.memoryMb,
      operations: usage.operations ?? {},
      outputBytes: result === undefined ? 0 : JSON.stringify(result).length,
    })
  }
  const { body: verdict } = await server.post(`/v1/tenants/${tenant}/bill/verify`)
  expect(verdict).toEqual({ ok: true, records: RUNS, head })
})

test.each(TENANTS)('%s: the bill is quantity by quantity and line by line what its runs come to', async (tenant) => {
  await expectBill(server, tenant, usagesOf(tenant), book)
  expect((await server.get(`/v1/tenants/${tenant}/bill`)).body.priceBook).toEqual({ name: 'odd', version: 3 })
})

test.each(TENANTS)('%s: usage is the sum of the runs, whatever it is grouped by', async (tenant) => {
  const usages = usagesOf(tenant)
  const total = {
    requests: RUNS,
    units: sum(usages.map(({ units }) => units)),
    unitMebibytes: sum(usages.map(({ units, memoryMb }) => units * memoryMb)),
    coldStarts: usages.filter(({ coldStart }) => coldStart).length,
    operations: { 'kv.get': RUNS / 4, 'kv.increment': RUNS / 4 },
  }
  const wallMicros = sum(usages.map(({ wallMs }) => micros(wallMs)))
  for (const groupBy of ['', 'day', 'hour', 'outcome', 'trigger', 'policy', 'outcome,day,policy']) {
    const { body } = await server.get(`/v1/tenants/${tenant}/usage?groupBy=${groupBy}`)
    expect(body.total).toMatchObject(total)
    expect(micros(body.total.wallMs)).toBe(wallMicros)
    expect(sum(body.rows.map((row: any) => row.units))).toBe(total.units)
    expect(sum(body.rows.map((row: any) => row.requests))).toBe(RUNS)
    expect(sum(body.rows.map((row: any) => micros(row.wallMs)))).toBe(wallMicros)
  }
  const { body } = await server.get(`/v1/tenants/${tenant}/usage?groupBy=outcome`)
  expect(body.rows.map(({ outcome, requests }: any) => [outcome, requests])).toEqual([
    ['error', RUNS / 4],
    ['ok', (RUNS * 3) / 4],
  ])
  expect((await server.get(`/v1/tenants/${tenant}/bill`)).body.total).toBe(body.total.cost)
})

test('pages of runs, the newest first, hold every run once', async () => {
  const pages: any[] = []
  let next: string | undefined
  do {
    const query: string = next === undefined ? '' : `&before=${next}`
    const { body } = await server.get(`/v1/tenants/ann/runs?limit=7${query}`)
    pages.push(...body.runs)
    next = body.next
  } while (next !== undefined)
  expect(pages.map(({ runId }) => runId).toSorted()).toEqual(
    answers
      .get('ann')!
      .map(({ runId }) => runId)
      .toSorted(),
  )
  const times = pages.map(({ startedAt }) => startedAt)
  expect(times).toEqual(times.toSorted().toReversed())
  const { body } = await server.get('/v1/tenants/ann/runs?status=error&limit=1000')
  expect(body.runs.map(({ runId }: any) => runId)).toEqual(
    pages.flatMap(({ runId, status }) => (status === 'error' ? [runId] : [])),
  )
})

test('a run costs what its own lines come to, and the bill is no more than a rounding away from their sum', async () => {
  const { body: bill } = await server.get('/v1/tenants/ann/bill')
  const nano = (usd: string): number => Number(usd.replace('.', ''))
  const apart = nano(bill.total) - sum(usagesOf('ann').map(({ costUsd }) => nano(costUsd)))
  // Each of the bill's lines and of each run's lines is rounded once, by half a billionth at most.
  expect(Math.abs(apart)).toBeLessThanOrEqual((bill.lines.length * (RUNS + 1)) / 2)
})
