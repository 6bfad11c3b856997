import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { policyJsonSchema, policyJsonSchemaText } from '../../src/policy/json-schema.ts'
import { checkPolicyText, loadPolicies, shippedPolicies } from '../../src/policy/load.ts'

const catalog = loadPolicies([])
const NO_NUMBERS = new Set(['allow', 'privateRanges', 'reveal'])
const textOf = (name: string) => readFileSync(join(shippedPolicies(), `${name}.json`), 'utf8')

test('the shipped policies are default, generous and strict', () => {
  expect(catalog.names()).toEqual(['default', 'generous', 'strict'])
})

test.each(catalog.names())('every value of the shipped policy "%s" stands beside its reason', (name) => {
  const { limits, rate, instance, engine, functions, events, capabilities } = JSON.parse(textOf(name))
  const { reuse: _, ...counts } = instance
  const sections = { limits, rate, counts, engine, functions, events, ...capabilities }
  for (const [section, fields] of Object.entries(sections)) {
    for (const [field, written] of Object.entries((fields ?? {}) as object)) {
      expect(written, `${section}.${field}`).toEqual({
        value: section === 'engine' || NO_NUMBERS.has(field) ? expect.anything() : expect.any(Number),
        reason: expect.stringMatching(/^.{20,}\.$/),
      })
    }
  }
})

test.each(catalog.names())(
  'the shipped policy "%s" states every field, inherits nothing and needs no lowering',
  (name) => {
    const policy = catalog.find(name)!
    const written = JSON.parse(textOf(name))
    expect(Object.keys(written.limits)).toHaveLength(Object.keys(policy.limits).length)
    expect(Object.keys(written.rate)).toHaveLength(6)
    expect(Object.keys(written.functions)).toEqual(Object.keys(policy.functions))
    expect(Object.keys(written.events)).toEqual(Object.keys(policy.events))
    expect(Object.keys(written.engine)).toEqual(Object.keys(policy.engine))
    expect(Object.keys(written.instance).filter((key) => key !== 'reuse')).toHaveLength(4)
    expect(checkPolicyText(textOf(name))).toEqual({ policy })
    expect(written.limits.cpuMs.value).toBe(policy.limits.cpu)
  },
)

test('default has the values that the documents promise', () => {
  expect(catalog.find('default')).toEqual({
    name: 'default',
    walls: 'os',
    limits: {
      wall: 10_000,
      cpu: 5_000,
      memory: 128,
      input: 1_048_576,
      output: 1_048_576,
      streamIn: 104_857_600,
      streamOut: 209_715_200,
      code: 1_048_576,
      logs: 65_536,
      logLines: 1000,
      concurrency: 50,
      queue: 200,
      queueWait: 5_000,
      pendingCalls: 256,
      timers: 1000,
    },
    rate: {
      perSecond: 1000,
      burst: 2000,
      unitsPerSecond: 10_000,
      unitsBurst: 100_000,
      deathsPerSecond: 1,
      deathsBurst: 20,
    },
    instance: { reuse: undefined, maxCells: 4, runsPerCell: 32, idle: 60_000, runsMax: 10_000 },
    engine: { jit: true, wasm: true, eval: true, temporal: true, clock: 'frozen', sharedMemory: false },
    functions: { count: 100, versions: 20, storedBytes: 67_108_864 },
    events: {
      queued: 100_000,
      deadLetters: 10_000,
      deadLetterDays: 14,
      idempotencyKeys: 10_000,
      storedBytes: 268_435_456,
    },
    capabilities: {
      kv: { operations: 1000, keyBytes: 512, valueBytes: 262_144, keys: 100_000, storedBytes: 67_108_864 },
      invoke: { operations: 50, inputBytes: 262_144 },
      blobs: {
        operations: 1000,
        keyBytes: 512,
        blobBytes: 104_857_600,
        blobs: 100_000,
        storedBytes: 1_073_741_824,
      },
      queues: { operations: 1000, queues: 20, messageBytes: 131_072, messages: 100_000, storedBytes: 67_108_864 },
      docs: {
        operations: 1000,
        documentBytes: 262_144,
        documents: 100_000,
        storedBytes: 67_108_864,
        collections: 50,
        indexes: 10,
      },
      fetch: {
        operations: 5000,
        requests: 50,
        concurrency: 64,
        requestBytes: 10_485_760,
        responseBytes: 33_554_432,
        headerBytes: 32_768,
        redirects: 5,
        timeoutMs: 30_000,
        allow: [{ host: '*', ports: [80, 443], methods: ['*'] }],
        privateRanges: [],
      },
      sql: {
        operations: 200,
        connections: 5,
        waiting: 1_000,
        statementBytes: 65_536,
        rows: 1_000,
        resultBytes: 1_048_576,
      },
      secrets: { operations: 50, secrets: 50, valueBytes: 4_096, storedBytes: 16_384, reveal: false },
      durable: {
        operations: 2_000,
        executions: 1_000,
        entries: 500,
        valueBytes: 65_536,
        journalBytes: 1_048_576,
        waitSeconds: 2_678_400,
      },
      auth: {
        operations: 50,
        users: 10_000,
        sessions: 20,
        sessionSeconds: 2_592_000,
        attempts: 5,
        concurrency: 8,
      },
    },
  })
})

test('strict is a fresh isolate for every run and grants nothing; generous leaves reuse open', () => {
  expect(catalog.find('strict')?.instance.reuse).toBe('run')
  expect(Object.keys(catalog.find('strict')!.capabilities)).toEqual([])
  expect(catalog.find('generous')?.instance.reuse).toBeUndefined()
})

test('strict leaves out of the engine what it can; generous differs from default in its clock', () => {
  expect(catalog.find('strict')?.engine).toEqual({
    jit: false,
    wasm: false,
    eval: false,
    temporal: false,
    clock: 'frozen',
    sharedMemory: false,
  })
  expect(catalog.find('generous')?.engine).toEqual({ ...catalog.find('default')?.engine, clock: 'live' })
})

test('each limit of strict is at most that of default, and of default at most that of generous', () => {
  const [strict, middle, generous] = ['strict', 'default', 'generous'].map((name) => catalog.find(name)!.limits)
  for (const field of Object.keys(middle!) as (keyof typeof middle)[]) {
    expect(strict![field], field).toBeLessThan(middle![field])
    expect(middle![field], field).toBeLessThan(generous![field])
  }
})

test('policy.schema.json is what the schema generates (node src/policy/write-schema.ts writes it)', () => {
  expect(readFileSync(join(shippedPolicies(), 'policy.schema.json'), 'utf8')).toBe(policyJsonSchemaText())
})

test('the JSON Schema knows no field that the check does not, and bounds each number', () => {
  const { properties, additionalProperties } = policyJsonSchema() as Record<string, any>
  expect(additionalProperties).toBe(false)
  for (const section of ['limits', 'rate', 'instance', 'engine'] as const) {
    expect(properties[section].additionalProperties).toBe(false)
    expect(properties[section].required).toBeUndefined()
  }
  expect(properties.limits.properties.memoryMb.anyOf[0]).toEqual({ type: 'integer', minimum: 16, maximum: 2048 })
  expect(properties.limits.properties.wallMs.anyOf[0]).toEqual({ type: 'integer', minimum: 1, maximum: 900_000 })
})
