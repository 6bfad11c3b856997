import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Capability } from '../../src/broker/capability.ts'
import { type PoolHarness, openPool } from '../pool/harness.ts'

/** What a cell that was taken over may send without end. How much it costs the host: `npm run bench -- --only floods`. */
const KILLED: readonly (readonly [flood: string, killReason: string])[] = [
  ['entered', 'flood'],
  ['yielded', 'flood'],
  ['entered and yielded', 'flood'],
  ['empty log lines', 'protocol'],
]
/** What a cell of ours could do too, if more slowly: it lasts as long as its run may, and is no more than the host can bear. */
const ENDURED = [
  'one frame at a time',
  'a frame without an end',
  'calls',
  'large calls',
  'calls without reading',
] as const

const ANSWER_BYTES = 256 << 10
let answered = 0
const kv: Capability<'kv'> = {
  name: 'kv',
  argumentsMax: () => 1_000,
  operations: new Map([
    [
      'get',
      {
        effect: 'none',
        run: async () => {
          answered += 1
          return JSON.stringify('x'.repeat(ANSWER_BYTES))
        },
      },
    ],
  ]),
}
const grants = { kv: { operations: 1e9, keyBytes: 512, valueBytes: ANSWER_BYTES, keys: 1, storedBytes: 1 } } as never

let cells: PoolHarness
beforeAll(async () => {
  cells = await openPool({
    blankCells: 2,
    capabilities: [kv as never],
    program: (program, directory) => {
      const file = join(directory, 'flooding-cell.cjs')
      cpSync(fileURLToPath(new URL('./flooding-cell.cjs', import.meta.url)), file)
      return { ...program, file }
    },
  })
})
afterAll(() => cells[Symbol.asyncDispose]())

/** Runs of another tenant, one after the other, until the flood is over. All of them are answered. */
async function othersDuring(flood: Promise<unknown>): Promise<number> {
  let isOver = false
  void flood.then(() => (isOver = true))
  let count = 0
  while (!isOver) {
    expect((await cells.run('', { tenant: 'neighbour' })).status).toBe('ok')
    count += 1
  }
  return count
}

test.each(KILLED)('A-912 a cell that floods its host with “%s” is killed for it and charged', async (flood, reason) => {
  const run = cells.run('', { input: flood, tenant: 'flooder' })
  expect(await othersDuring(run)).toBeGreaterThan(3)
  const { status, killReason, wall } = await run
  expect({ status, killReason }).toEqual({ status: 'crashed', killReason: reason })
  expect(wall).toBeGreaterThan(0)
})

test.each(ENDURED)('A-913 a cell that keeps its host busy with “%s” is charged until its limit', async (flood) => {
  const run = cells.run('', { input: flood, tenant: 'flooder', wallMs: 1_500, grants })
  expect(await othersDuring(run)).toBeGreaterThan(3)
  const { status, wall } = await run
  expect(['timeout', 'memory-exceeded']).toContain(status)
  expect(wall).toBeGreaterThan(0)
})

test('A-914 a cell that does not read its answers gets no more of them made than the host can hold', async () => {
  answered = 0
  await cells.run('', { input: 'calls without reading', tenant: 'deaf', wallMs: 1_000, grants })
  // Of 250. Those that are made lie in the host: 4 MiB unread, 32 in the making, and what the kernel takes.
  expect(answered).toBeLessThanOrEqual(64)
  expect(answered).toBeGreaterThan(0)
})
