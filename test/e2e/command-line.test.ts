import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDirectory, runProgram } from '../cli/command-line.ts'
import { type RunUsage, billOf, csvOf, expectUsage } from './independent-bill.ts'
import { type Server, startServer } from './server.ts'

/** The command line against a running server, in both ways: through the directory that it holds, and by its address. */
let server: Server
const folder = createDirectory()
beforeAll(async () => {
  server = await startServer({ directory: join(folder.path, 'data') })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

const DOORS = {
  'the data directory that a server holds': () => ({ CLOISTER_DATA_DIRECTORY: join(folder.path, 'data') }),
  'the address of a server': () => ({ CLOISTER_URL: server.url, CLOISTER_KEY: server.adminKey }),
}

test.each(Object.entries(DOORS))('by %s every command says what the API says', async (door, env) => {
  const tenant = door.includes('address') ? 'ann' : 'bob'
  const cloister = async (...args: string[]) => await runProgram(args, { cwd: folder.path, env: env() })
  const json = async (...args: string[]): Promise<any> => {
    const { code, stdout, stderr } = await cloister(...args, '--json')
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
    return JSON.parse(stdout)
  }
  const own = ['--tenant', tenant]
  const api = `/v1/tenants/${tenant}`

  const budget = { month: { usd: '1.50' } }
  const made = await json('tenants', 'put', tenant, '--policy', 'default', '--budget', JSON.stringify(budget))
  expect(made).toEqual((await server.get(api)).body)
  expect(made).toMatchObject({ tenant, policy: 'default', budget })
  expect(await json('tenants')).toEqual((await server.get('/v1/tenants')).body)
  expect(await json('tenants', 'show', tenant)).toEqual(made)

  const { id, key } = await json('keys', 'create', ...own)
  expect((await server.as(key).run(tenant, { code: 'return 1' })).status).toBe(200)
  expect((await json('keys', ...own)).keys).toEqual([expect.objectContaining({ id })])
  await json('keys', 'delete', id, ...own)
  expect((await json('keys', ...own)).keys).toEqual([])

  writeFileSync(
    join(folder.path, 'visit.ts'),
    'export default async (n: number, { kv }) => [n, await kv?.increment("n")]',
  )
  writeFileSync(join(folder.path, 'fail.js'), 'console.log("before"); throw new RangeError("no")')
  const ok = await json('run', 'visit.ts', '--input', '7', ...own)
  expect(ok).toMatchObject({ status: 'ok', result: [7, 1], usage: { operations: { 'kv.increment': 1 } } })
  const failed = await cloister('run', 'fail.js', '--json', ...own)
  expect(failed.code).toBe(1)
  const error = JSON.parse(failed.stdout)
  expect(error).toMatchObject({ status: 'error', error: { name: 'RangeError' }, logs: [{ message: 'before' }] })
  for (const { usage } of [ok, error]) expectUsage(usage)

  const runs = await json('runs', ...own)
  expect(runs).toEqual((await server.get(`${api}/runs`)).body)
  expect(runs.runs).toHaveLength(3)
  expect((await json('runs', ...own, '--status', 'error')).runs).toEqual([
    expect.objectContaining({ runId: error.runId }),
  ])
  expect(await json('runs', error.runId, ...own)).toMatchObject({
    error: error.error,
    logs: error.logs,
    usage: error.usage,
  })

  const usage = await json('usage', ...own, '--group-by', 'outcome')
  expect(usage).toEqual((await server.get(`${api}/usage?groupBy=outcome`)).body)
  expect(usage.rows.map((row: any) => [row.outcome, row.requests])).toEqual([
    ['error', 1],
    ['ok', 2],
  ])
  const bill = await json('bill', ...own)
  expect(bill).toEqual((await server.get(`${api}/bill`)).body)
  expect(bill.total).toBe(billOf(runs.runs.map((run: { usage: RunUsage }) => run.usage)).total)
  expect((await cloister('bill', ...own, '--csv')).stdout).toBe(csvOf(bill))

  expect(await json('tenants', 'delete', tenant)).toEqual({ deleted: tenant })
  expect(await cloister('tenants', 'show', tenant, '--json')).toMatchObject({ code: 3, stdout: '' })
  expect(await json('bill', ...own)).toEqual(bill)
})

test('a server that is full, over budget or unwilling gives the exit code of a refusal, and no run', async () => {
  await server.tenant('poor', { budget: { day: { units: 1 } } })
  writeFileSync(join(folder.path, 'one.js'), 'return 1')
  const env = DOORS['the address of a server']()
  const { code, stdout, stderr } = await runProgram(['run', 'one.js', '--tenant', 'poor', '--json'], {
    cwd: folder.path,
    env,
  })
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  expect(JSON.parse(stderr)).toMatchObject({
    error: {
      code: 'BUDGET_EXCEEDED',
      retryAfterMs: expect.any(Number),
      next: expect.stringContaining('raise the budget'),
    },
  })
  expect((await server.get('/v1/tenants/poor/bill')).body.records).toBe(0)
})

test('a result of any depth, with any number, is printed as the guest made it', async () => {
  writeFileSync(
    join(folder.path, 'deep.js'),
    'let list = []; for (let n = 0; n < 1e5; n += 1) list = [list]; return list',
  )
  const odd = '[{"result":"}\\\\\\",\\"logs\\":[","logs":[]},1e-7,123456789012345678901234567890]'
  writeFileSync(join(folder.path, 'odd.js'), `return ${odd.replace(/(\d{30})/, 'JSON.rawJSON("$1")')}`)
  const env = { CLOISTER_DATA_DIRECTORY: join(folder.path, 'deep') }
  const deep = await runProgram(['run', 'deep.js'], { cwd: folder.path, env })
  expect({ code: deep.code, stdout: deep.stdout }).toEqual({
    code: 0,
    stdout: `${'['.repeat(100_001)}${']'.repeat(100_001)}\n`,
  })
  const { code, stdout } = await runProgram(['run', 'odd.js'], { cwd: folder.path, env })
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${odd}\n` })
})

test('policy check and doctor need no server, and say their findings as JSON', async () => {
  const check = async (policy: object) => {
    writeFileSync(join(folder.path, 'policy.json'), JSON.stringify(policy))
    const { code, stdout } = await runProgram(['policy', 'check', 'policy.json', '--json'], { cwd: folder.path })
    return { code, ...JSON.parse(stdout) }
  }
  expect(await check({ name: 'mine', limits: { wallMs: 500 } })).toEqual({
    code: 0,
    file: 'policy.json',
    ok: true,
    name: 'mine',
    faults: [],
  })
  const { code, ok, faults } = await check({ limits: { wallMs: 0, colour: 1 }, rate: 5 })
  expect({ code, ok }).toEqual({ code: 2, ok: false })
  expect(faults.map(({ path }: any) => path).toSorted()).toEqual(['limits.colour', 'limits.wallMs', 'rate'])

  const data = { CLOISTER_DATA_DIRECTORY: join(folder.path, 'doctor') }
  const doctor = await runProgram(['doctor', '--json'], { cwd: folder.path, env: data })
  expect(doctor.code).toBe(0)
  const report = JSON.parse(doctor.stdout)
  expect(report).toMatchObject({ walls: expect.stringMatching(/^[ABC]$/), node: process.version })
  expect(report.checks.filter(({ status }: any) => status === 'failed')).toEqual([])
})

test('doctor --web asks a real guest for the 78 names of the standard, and ends with 1 if one is missing', async () => {
  const { code, stdout } = await runProgram(['doctor', '--web', '--json'], { cwd: folder.path })
  const { found, total, missing, names } = JSON.parse(stdout)
  expect([total, names.length, found + missing.length, code]).toEqual([78, 78, 78, missing.length === 0 ? 0 : 1])
  expect(names).toContainEqual({ part: 'HTML', name: 'navigator.userAgent', isFound: true })
})
