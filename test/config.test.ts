import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ConfigOverrides, describeKnobs, loadConfig } from '../src/config.ts'
import type { CloisterError } from '../src/core/errors.ts'
import { bytes } from '../src/core/quantity.ts'

const machine = { totalMemory: bytes(8 * 2 ** 30) }
const load = (env: Record<string, string> = {}, overrides: ConfigOverrides = {}) => loadConfig(env, overrides, machine)

function refusal(env: Record<string, string>, overrides: object = {}): CloisterError {
  try {
    load(env, overrides)
  } catch (error) {
    return error as CloisterError
  }
  throw new Error('it was not refused')
}

test('every knob has its default when nothing is set, and the result is frozen', () => {
  const config = load()
  expect(Object.isFrozen(config)).toBe(true)
  expect(config).toEqual({
    host: '127.0.0.1',
    port: 8787,
    dataDirectory: '.cloister',
    adminKey: undefined,
    vaultKey: undefined,
    policiesDirectory: undefined,
    priceBook: undefined,
    synchronous: 'full',
    blankCells: 4,
    isolatesPerBlankCell: 1,
    cellsMax: 512,
    forwarded: 'none',
    functionOrigin: 'shared',
    functionHosts: undefined,
    runsMax: 1024,
    cellMemoryCapMb: 6144,
    sqlConnectionsMax: 200,
    sqlIdleMs: 30_000,
    s3Endpoint: undefined,
    s3Region: 'us-east-1',
    s3Bucket: undefined,
    s3Prefix: undefined,
    s3AccessKey: undefined,
    s3SecretKey: undefined,
    s3Style: 'path',
    s3Urls: 'storage',
    killGraceMs: 50,
    watchdogMs: 5,
    cellStartTimeoutMs: 10_000,
    drainMs: 10_000,
    bodyBytesMax: 16 * 2 ** 20,
    egressSocketsMax: 1024,
    dnsServers: undefined,
    logLevel: 'info',
    connectionsPerAddress: 1_000,
    cgroups: 'auto',
    walls: 'best',
    allowWeakWalls: false,
    ledger: 'on',
    logRetentionDays: 7,
  })
})

test('storage of blobs that is half configured is refused, without telling the secret', () => {
  const env = { CLOISTER_S3_ENDPOINT: 'https://s3.example', CLOISTER_S3_SECRET_KEY: 'hidden-hidden' }
  const { message } = refusal(env)
  expect(message).toContain('CLOISTER_S3_BUCKET (s3Bucket), CLOISTER_S3_ACCESS_KEY (s3AccessKey) must be set as well')
  expect(message).not.toContain('hidden')
  expect(load({ ...env, CLOISTER_S3_BUCKET: 'blobs', CLOISTER_S3_ACCESS_KEY: 'AK' })).toMatchObject({
    s3Bucket: 'blobs',
  })
})

test('an override wins over the environment, which wins over the default', () => {
  const env = { CLOISTER_PORT: '9000', CLOISTER_HOST: '::1', CLOISTER_ALLOW_WEAK_WALLS: '1' }
  expect(load(env, { port: '0', runsMax: 7, host: undefined })).toMatchObject({
    port: 0,
    runsMax: 7,
    host: '::1',
    allowWeakWalls: true,
  })
})

test('an empty variable counts as absent, and other variables are not looked at', () => {
  expect(load({ CLOISTER_PORT: '', CLOISTER_ADMIN_KEY: '', CLOISTER_URL: 'http://x', PORT: '1' })).toEqual(load())
})

test('every fault is named at once, with the knob, the value and the bound', () => {
  const { code, message } = refusal(
    { CLOISTER_PORT: '65536', CLOISTER_WATCHDOG_MS: '1e3', CLOISTER_SYNCHRONOUS: 'FULL', CLOISTER_LEDGER: 'maybe' },
    { runsMax: 0, cellMax: 5 },
  )
  expect(code).toBe('INVALID_REQUEST')
  expect(message.split('; ')).toEqual([
    expect.stringMatching(/^cellMax is unknown here, where there are host, port, /),
    'CLOISTER_PORT (port) must be a whole number from 0 to 65535, not "65536"',
    'CLOISTER_SYNCHRONOUS (synchronous) must be one of full, normal, off, not "FULL"',
    'runsMax must be a whole number from 1 to 100000, not "0"',
    'CLOISTER_WATCHDOG_MS (watchdogMs) must be a whole number from 1 to 1000, not "1e3"',
    'CLOISTER_LEDGER (ledger) must be one of on, off, not "maybe"',
  ])
})

test('an admin key that is too short is refused without being shown', () => {
  const { message } = refusal({ CLOISTER_ADMIN_KEY: 'hunter2' })
  expect(message).toBe('CLOISTER_ADMIN_KEY (adminKey) must be 16 to 256 characters, all visible ASCII')
  expect(load({ CLOISTER_ADMIN_KEY: 'k'.repeat(16) }).adminKey).toBe('k'.repeat(16))
})

test('blank cells beyond all cells are a fault when chosen and give way when not', () => {
  expect(load({ CLOISTER_CELLS_MAX: '2' }).blankCells).toBe(2)
  expect(refusal({ CLOISTER_CELLS_MAX: '2' }, { blankCells: 3 }).message).toBe(
    'blankCells must be at most cellsMax, which is 2, not 3',
  )
})

test('a tiny machine still gets a memory cap that a cell fits into', () => {
  expect(loadConfig({}, {}, { totalMemory: bytes(2 ** 20) }).cellMemoryCapMb).toBe(64)
})

test('every knob is described with a variable, a default, bounds and a reason', () => {
  const table = describeKnobs()
  expect(table.map(({ name }) => name).toSorted()).toEqual(Object.keys(load()).toSorted())
  for (const { variable, fallback, accepts, reason } of table) {
    expect(variable).toMatch(/^CLOISTER_[A-Z0-9_]+$/)
    expect(fallback).not.toBe('')
    expect(accepts).not.toBe('')
    expect(reason).toMatch(/^.{20,}[.]$/)
  }
  expect(table.find(({ name }) => name === 'killGraceMs')).toEqual({
    name: 'killGraceMs',
    variable: 'CLOISTER_KILL_GRACE_MS',
    unit: 'ms',
    fallback: '50',
    accepts: 'a whole number from 1 to 10000',
    reason: expect.any(String),
  })
})

test('every default is a value that the knob itself accepts', () => {
  const given = Object.entries(load()).filter(([, value]) => value !== undefined)
  const env = Object.fromEntries(
    given.map(([name, value]) => [describeKnobs().find((knob) => knob.name === name)!.variable, String(value)]),
  )
  expect(load(env)).toEqual(load())
})

test('whatever the environment holds, the answer is a config or a refusal that names the variable', () => {
  const variables = fc.constantFrom(...describeKnobs().map(({ variable }) => variable))
  const values = fc.oneof(fc.string(), fc.integer().map(String), fc.constantFrom('0', '1', 'on', 'NaN', '1e9', '-1'))
  fc.assert(
    fc.property(fc.dictionary(variables, values, { noNullPrototype: true }), (env) => {
      try {
        load(env)
      } catch (error) {
        const { code, message } = error as CloisterError
        expect(code).toBe('INVALID_REQUEST')
        expect(Object.keys(env).some((variable) => message.includes(variable))).toBe(true)
      }
    }),
  )
})
