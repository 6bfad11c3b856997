import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDirectory, startProgram } from '../cli/command-line.ts'
import { billOf } from './independent-bill.ts'
import { type Server, cellsOf, startServer, until } from './server.ts'
import { Witness, readRecords, usageOf } from './witness.ts'

/** More of them find rarer moments: `KILL_ROUNDS=200 npx vitest run test/e2e/kill.test.ts`. */
const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 10)
const CLIENTS_PER_TENANT = 4
const TENANTS = ['ann', 'bob'] as const

// Short ones and long ones, so that a kill finds runs at every stage.
const PROGRAMS = [
  'return 1',
  'await context.kv.increment("count"); return 1',
  'console.log("x".repeat(500)); await new Promise((r) => setTimeout(r, 20)); return 1',
  'for (let n = 0; n < 5e6; n++); throw new Error("no")',
]

const directory = createDirectory()
afterAll(() => directory[Symbol.dispose]())

/** All that callers were told, over all rounds. */
const witness = new Witness(TENANTS)

beforeAll(async () => {
  await using server = await startServer({ directory: directory.path })
  for (const tenant of TENANTS) await server.tenant(tenant)
})

test.each(Array.from({ length: ROUNDS }, (_, round) => round + 1))(
  'kill -9 under load, round %d: the directory opens at once, every acknowledged run is there once, no cell is left',
  async () => {
    await using server = await startServer({ directory: directory.path })
    await witness.check(server)
    const load = startLoad(server)
    const moment = load.count() + randomInt(1, 150)
    await until(() => load.count() >= moment)
    // Somewhere within the next runs, not at the end of one.
    await new Promise((resolve) => setTimeout(resolve, randomInt(0, 20)))
    server.process.child.kill('SIGKILL')
    expect(await server.ended).toMatchObject({ code: null, signal: 'SIGKILL' })
    await load.ended
    await until(() => cellsOf(directory.path).length === 0)
  },
)

test('killed while it starts, it starts again', async () => {
  for (let round = 0; round < 5; round += 1) {
    const program = startProgram(['serve', '--port', '0', '--json', '--data', directory.path], {})
    await new Promise((resolve) => setTimeout(resolve, randomInt(50, 600)))
    program.child.kill('SIGKILL')
    await program.ended
  }
  await until(() => cellsOf(directory.path).length === 0)
  await using server = await startServer({ directory: directory.path })
  await witness.check(server)
})

test('after all of it the ledger is whole, and the bill is what its records come to', async () => {
  await using server = await startServer({ directory: directory.path })
  await witness.check(server)
  for (const tenant of TENANTS) {
    const records = await readRecords(server, tenant)
    const { body: bill } = await server.get(`/v1/tenants/${tenant}/bill`)
    const { lines, total } = billOf(records.map(usageOf))
    expect(bill).toMatchObject({ total, records: records.length, lines })
    const { body: budget } = await server.get(`/v1/tenants/${tenant}/budget`)
    expect(budget.month.units).toEqual({
      spent: records.reduce((sum, { units }) => sum + (units as number), 0),
      held: 0,
    })
    const counted = records.reduce(
      (sum, { operations }) => sum + ((operations['kv.increment'] as number | undefined) ?? 0),
      0,
    )
    const { body } = await server.run(tenant, { code: 'return (await context.kv.get("count")) ?? 0' })
    // An effect may outlive a run that had no answer; no effect of one that had is lost.
    expect(body.result).toBeGreaterThanOrEqual(counted)
    expect(body.result).toBeLessThanOrEqual(counted + witness.unanswered(tenant))
  }
})

function startLoad(server: Server): { count: () => number; ended: Promise<unknown> } {
  let count = 0
  const client = async (tenant: string, offset: number): Promise<void> => {
    for (let turn = offset; ; turn += 1) {
      try {
        const { status, body } = await server.run(tenant, { code: PROGRAMS[turn % PROGRAMS.length] })
        expect(status).toBe(200)
        witness.hear(tenant, body)
        count += 1
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        witness.missAnswer(tenant)
        return
      }
    }
  }
  const clients = TENANTS.flatMap((tenant) =>
    Array.from({ length: CLIENTS_PER_TENANT }, (_, index) => client(tenant, index)),
  )
  return { count: () => count, ended: Promise.all(clients) }
}
