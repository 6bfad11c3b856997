import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { type ClassedAttack, type Step, attack } from '../../src/stress/attack.ts'
import { type CampaignParts, runCampaign } from '../../src/stress/campaign.ts'
import { LEAK_FAULT, TOLERANCE } from '../../src/stress/judge.ts'
import type { CellSample } from '../../src/stress/memory-watch.ts'
import type { StressResult } from '../../src/stress/result.ts'
import { type Lies, createFakeServer } from './fake-server.ts'

const RETURNS_ONE: Step = { code: 'return 1', ends: ['ok'], returns: 1 }

function attackOf(step: Step): ClassedAttack {
  return { ...attack('A-01', 'an attack', step), class: 'cpu' }
}

async function stress(lies: Lies, change: Partial<CampaignParts> = {}): Promise<StressResult & { left: number }> {
  const server = createFakeServer(lies)
  const result = await runCampaign({
    door: server,
    clock: systemClock,
    attacks: [attackOf(RETURNS_ONE)],
    rounds: 1,
    concurrency: 2,
    seed: 1,
    target: 'server',
    tolerance: TOLERANCE,
    prefix: 'stress-test',
    newSecret: () => 'never to be seen',
    calmMs: 1,
    onProgress() {},
    signal: new AbortController().signal,
    ...change,
  })
  return { ...result, left: server.tenants.size }
}

test('a platform that contains everything passes, and nothing of the test is left on it', async () => {
  const result = await stress({}, { attacks: [attackOf({ ...RETURNS_ONE, atOnce: 3, times: 2 })], rounds: 2 })
  expect(result).toMatchObject({ passed: true, cut: false, left: 0, host: { faults: [] }, setting: { walls: 'B' } })
  expect(result.totals).toMatchObject({ attacks: 2, contained: 2, runs: 12, by: { isolate: 2, kill: 0 } })
  expect(result.ledger).toEqual({ tenants: 2, records: 14, verified: 2, faults: [] })
})

const BAD: readonly (readonly [what: string, lies: Lies, fault: RegExp])[] = [
  ['ends as nobody expects', { answer: () => ({ status: 'crashed' }) }, /ended as crashed, not as ok/],
  ['returns what is a way out', { answer: () => ({ result: 'the host' }) }, /returned "the host", not 1/],
  ['holds a neighbour’s secret', { answer: ({ secret }) => ({ logs: [{ message: secret }] }) }, new RegExp(LEAK_FAULT)],
  [
    'holds a secret in a stack',
    { answer: ({ secret }) => ({ error: { stack: `at ${secret}` } }) },
    new RegExp(LEAK_FAULT),
  ],
  [
    'shows a module of the host',
    { answer: () => ({ error: { stack: 'at node:internal/x' } }) },
    /something of the host/,
  ],
  [
    'shows a frame of the runtime',
    { answer: () => ({ error: { stack: 'at cloister:runtime:1' } }) },
    /something of the host/,
  ],
  ['ends 301 ms late', { record: { overdueMs: 301 } }, /301 ms after its deadline/],
  ['takes 65 MB too much', { answer: () => ({ usage: { peakMemoryMb: 129 } }) }, /took 129 MB with a limit of 64 MB/],
  ['has a record that says something else', { record: { status: 'error' } }, /its record says "error", its answer ok/],
  [
    'is a fault of the host',
    { refusal: { status: 500, headers: {}, body: '{"error":{"code":"INTERNAL"}}' } },
    /ended as INTERNAL/,
  ],
  [
    'is refused though it should run',
    { refusal: { status: 429, headers: { 'retry-after': '99' }, body: '{}' } },
    /ended as HTTP 429/,
  ],
  ['spoils the tenant’s next run', { next: { status: 'crashed' } }, /the tenant’s next run ended as crashed/],
  ['gives the next run a wrong result', { next: { result: 41 } }, /the tenant’s next run returned 41/],
]

test.each(BAD)('an attack that %s makes it red', async (_, lies, fault) => {
  const { passed, verdicts, left } = await stress(lies)
  expect(passed).toBe(false)
  expect(verdicts[0]?.faults.join('\n')).toMatch(fault)
  expect(left).toBe(0)
})

test('what is within the tolerance is contained', async () => {
  const { passed } = await stress({ record: { overdueMs: 300 }, answer: () => ({ usage: { peakMemoryMb: 128 } }) })
  expect(passed).toBe(true)
})

test('a run that is in the ledger twice, or not at all, or in a chain that does not verify, makes it red', async () => {
  expect(await stress({ copies: 2 })).toMatchObject({
    passed: false,
    ledger: { faults: [/2 times/, /2 times/].map((text) => expect.stringMatching(text)) },
  })
  expect(await stress({ copies: 0 })).toMatchObject({ passed: false })
  expect(await stress({ verifies: false })).toMatchObject({ passed: false, ledger: { verified: 0 } })
})

test('a quiet tenant that finds its data changed before any attack stops the test; one that fails later makes it red', async () => {
  await expect(stress({ quiet: 'changed' })).rejects.toThrow('does not work before any attack')
  const server = createFakeServer()
  let calls = 0
  const door: CampaignParts['door'] = {
    async request(method, path, options) {
      if (path.includes('quiet') && path.endsWith('execute') && (calls += 1) > 3) throw new Error('connection lost')
      return await server.request(method, path, options)
    },
  }
  const result = await stress({}, { door })
  expect(result).toMatchObject({ passed: false, quiet: { faults: [{ fault: 'connection lost' }] } })
})

test('a host that does not answer any more makes it red', async () => {
  const { passed, host, verdicts } = await stress({ health: 500 })
  expect(passed).toBe(false)
  expect(host.faults.join()).toContain('/readyz')
  expect(verdicts[0]?.faults.join()).toContain('/healthz')
})

test('tenants that cannot be deleted, cells that stay and cells that nobody knows make it red', async () => {
  expect((await stress({ keeps: 'tenants' })).host.faults).toEqual(['tenants of the test could not be deleted'])
  const cells = { list: (): CellSample[] => [{ tenant: 'stress-test-x', bytes: 1 }], strays: () => [4711] }
  let now = 0
  const clock = { now: systemClock.now, elapsed: () => (now += 100) as ReturnType<typeof systemClock.elapsed> }
  const { host, passed } = await stress({}, { cells, clock })
  expect(passed).toBe(false)
  expect(host.faults).toEqual(['1 cells of deleted tenants are left', '1 cells that the host does not know are left'])
})

test('a signal starts no more attacks, and what was made is removed all the same', async () => {
  const stopping = new AbortController()
  const onProgress: CampaignParts['onProgress'] = ({ kind }) => kind === 'verdict' && stopping.abort()
  const { verdicts, cut, passed, left } = await stress(
    {},
    { rounds: 50, concurrency: 1, onProgress, signal: stopping.signal },
  )
  expect({ done: verdicts.length, cut, passed, left }).toEqual({ done: 1, cut: true, passed: false, left: 0 })
})

test('a kill and an abort are told from an ending in good order', async () => {
  const by = async (killReason?: string): Promise<unknown> =>
    (await stress({ record: { killReason } })).verdicts[0]?.stoppedBy
  expect([await by(), await by('deadline'), await by('memory'), await by('out-of-memory'), await by('crash')]).toEqual([
    'isolate',
    'kill',
    'kill',
    'abort',
    'abort',
  ])
})
