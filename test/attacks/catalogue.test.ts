import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectOverNetwork } from '../../src/cli/connection.ts'
import { loadConfig } from '../../src/config.ts'
import { systemClock } from '../../src/core/clock.ts'
import { bytes } from '../../src/core/quantity.ts'
import { machineMemory } from '../../src/machine.ts'
import { openHost } from '../../src/main.ts'
import { ATTACK_CLASSES } from '../../src/stress/attack.ts'
import { auditLedger } from '../../src/stress/audit.ts'
import { CATALOGUE } from '../../src/stress/catalogue.ts'
import { type Door, withPatience } from '../../src/stress/door.ts'
import { type AnsweredRun, strike } from '../../src/stress/strike.ts'

/**
 * The whole catalogue against one real host, over HTTP. What is measured is bounded more loosely than by `cloister stress`: a
 * machine that has other things to do is late to kill, too. Without deadline or watchdog these programs run for ever and
 * reach gigabytes, so that the bounds tell the two apart all the same.
 */
const TOLERANCE = { lateMs: 20_000, memoryMb: 900 }

let door: Door
const opened = new AsyncDisposableStack()
const tenants: string[] = []
const runs: AnsweredRun[] = []

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloister-attacks-'))
  opened.defer(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))
  const knobs = { dataDirectory: directory, port: 0, logLevel: 'silent', allowWeakWalls: true } as const
  const host = opened.use(await openHost(loadConfig({}, knobs, { totalMemory: bytes(machineMemory()) })))
  const { url } = await host.listen()
  await host.ready()
  door = withPatience(opened.use(connectOverNetwork({ url, key: host.adminKey, place: 'server' })))
})
afterAll(() => opened.disposeAsync())

describe.concurrent('the catalogue', () => {
  test.each(CATALOGUE)('$number $title: contained', async (attack) => {
    const onTenant = (tenant: string): void => void tenants.push(tenant)
    const parts = { door, clock: systemClock, tolerance: TOLERANCE, secrets: [], onTenant }
    const struck = await strike(attack, `t-${attack.number.toLowerCase()}`, parts)
    runs.push(...struck.runs)
    expect(struck.verdict.faults).toEqual([])
  })
})

test('every run of every attack is in the ledger once, as it was answered, and every chain verifies', async () => {
  const audit = await auditLedger(door, tenants, runs)
  expect(audit).toEqual({ tenants: tenants.length, records: runs.length, verified: tenants.length, faults: [] })
  // Fewer than all only if the tests were told to run in part.
  expect(audit.tenants).toBeGreaterThan(0)
})

test('no two attacks share a number, and every class has some', () => {
  const numbers = CATALOGUE.map(({ number }) => number)
  expect(new Set(numbers).size).toBe(numbers.length)
  expect(numbers.length).toBeGreaterThanOrEqual(130)
  for (const number of numbers) expect(number).toMatch(/^A-(0[1-9]|[1-9]\d|[1-9]\d\d)$/)
  expect([...new Set(CATALOGUE.map((attack) => attack.class))]).toEqual(Object.keys(ATTACK_CLASSES))
})

test.each(CATALOGUE)(
  '$number says what an ending as ok has to return, so that a way out cannot pass for one',
  ({ steps }) => {
    for (const step of steps) expect(step.ends.includes('ok')).toBe(Object.hasOwn(step, 'returns'))
  },
)
