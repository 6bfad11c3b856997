import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Answer } from './guest-world.ts'
import { type KvWorld, openKv } from './kv-world.ts'

interface Entry {
  readonly value: unknown
  readonly expiresMs: number
}

/** What kv promises, as a table. Keys are ASCII here, so their order is that of code points. */
class Model {
  readonly #entries = new Map<string, Entry>()

  get(key: string, nowMs: number): Entry | undefined {
    const entry = this.#entries.get(key)
    return entry !== undefined && entry.expiresMs > nowMs ? entry : undefined
  }
  put(key: string, value: unknown, expiresMs: number): void {
    this.#entries.set(key, { value, expiresMs })
  }
  delete(key: string, nowMs: number): boolean {
    const had = this.get(key, nowMs) !== undefined
    this.#entries.delete(key)
    return had
  }
  list(prefix: string, cursor: string, limit: number, nowMs: number): unknown {
    const all = [...this.#entries.keys()]
      .filter((key) => key.startsWith(prefix) && key > cursor && this.get(key, nowMs) !== undefined)
      .toSorted()
    const keys = all.slice(0, limit).map((key) => {
      const { expiresMs } = this.get(key, nowMs)!
      return expiresMs === Infinity ? { key } : { key, expiresAt: new Date(expiresMs).toISOString() }
    })
    return { keys, ...(all.length > limit && { cursor: keys.at(-1)?.key }) }
  }
}

const key = fc.constantFrom('a', 'b', 'a/1', 'a/2', 'ab', '__proto__')
const value = fc.oneof(
  fc.integer({ min: -50, max: 50 }),
  fc.constantFrom(null, 'x', true),
  fc.jsonValue({ maxDepth: 1 }),
)
const small = value.filter((given) => JSON.stringify(given).length <= 64)
const ttlSeconds = fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined })
const step = fc.oneof(
  fc.record({ op: fc.constant('get'), key }),
  fc.record({ op: fc.constant('put'), key, value: small, ttlSeconds }),
  fc.record({ op: fc.constant('delete'), key }),
  fc.record({ op: fc.constant('increment'), key, by: fc.integer({ min: -9, max: 9 }) }),
  fc.record({ op: fc.constant('compareAndSet'), key, expected: small, value: small, ttlSeconds }),
  fc.record({ op: fc.constant('compareAndSet'), key, expected: fc.constant('present'), value: small, ttlSeconds }),
  fc.record({
    op: fc.constant('list'),
    prefix: fc.constantFrom('', 'a', 'a/', '__'),
    limit: fc.integer({ min: 1, max: 4 }),
    cursor: fc.option(key, { nil: undefined }),
  }),
  fc.record({ op: fc.constant('pass'), ms: fc.integer({ min: 1, max: 3_000 }) }),
)
type Step = (typeof step extends fc.Arbitrary<infer Value> ? Value : never) & Record<string, unknown>

/** Does one step to both and returns what each says. */
async function both(given: Step, model: Model, kv: ReturnType<KvWorld['as']>, world: KvWorld) {
  const nowMs = world.nowMs()
  const options = 'ttlSeconds' in given && given.ttlSeconds !== undefined ? [{ ttlSeconds: given.ttlSeconds }] : []
  const expiresMs = options[0] === undefined ? Infinity : nowMs + Number(options[0].ttlSeconds) * 1_000
  switch (given.op) {
    case 'get':
      return [await kv('get', given.key), { value: model.get(given.key as string, nowMs)?.value ?? null }]
    case 'put':
      model.put(given.key as string, given.value, expiresMs)
      return [await kv('put', given.key, given.value, ...options), { value: undefined }]
    case 'delete':
      return [await kv('delete', given.key), { value: model.delete(given.key as string, nowMs) }]
    case 'list': {
      const { prefix, limit, cursor } = given as { prefix: string; limit: number; cursor?: string }
      const answer = await kv('list', { prefix, limit, ...(cursor !== undefined && { cursor }) })
      return [answer, { value: model.list(prefix, cursor ?? '', limit, nowMs) }]
    }
    case 'increment': {
      const entry = model.get(given.key as string, nowMs)
      const answer = await kv('increment', given.key, given.by)
      if (entry !== undefined && typeof entry.value !== 'number') return [codeOf(answer), 'INVALID_ARGUMENT']
      const sum = Number(entry?.value ?? 0) + Number(given.by)
      if (!Number.isSafeInteger(Math.trunc(sum))) return [codeOf(answer), 'INVALID_ARGUMENT']
      model.put(given.key as string, sum, entry?.expiresMs ?? Infinity)
      return [answer, { value: sum }]
    }
    case 'compareAndSet': {
      const present = model.get(given.key as string, nowMs)?.value ?? null
      const expected = given.expected === 'present' ? present : given.expected
      const matches = JSON.stringify(expected) === JSON.stringify(present)
      if (matches) model.put(given.key as string, given.value, expiresMs)
      return [await kv('compareAndSet', given.key, expected, given.value, ...options), { value: matches }]
    }
    default:
      world.pass(Number(given.ms))
      return [undefined, undefined]
  }
}

function codeOf(answer: Answer): string | undefined {
  return 'code' in answer ? answer.code : undefined
}

test('whatever is done in whatever order, kv answers as a table would', async () => {
  const runs = 60
  await using world = await openKv(Array.from({ length: runs * 20 }, (_, index) => `t${index}`))
  let tenant = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const kv = world.as(`t${tenant++}`)
      const model = new Model()
      for (const each of steps) {
        const [actual, expected] = await both(each as Step, model, kv, world)
        // As JSON tells it: -0 is 0.
        expect(JSON.stringify(actual), JSON.stringify(each)).toBe(JSON.stringify(expected))
      }
    }),
    { numRuns: runs },
  )
  expect(world.faults).toEqual([])
})
