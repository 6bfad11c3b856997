import { describe, expect, test } from 'vitest'
import { createBroker } from '../../src/broker/broker.ts'
import { type Capability, CapabilityError, type Operation, type RunScope } from '../../src/broker/capability.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Grants, KvGrant } from '../../src/core/policy.ts'
import { bytes, epochMillis, millis } from '../../src/core/quantity.ts'
import type { CallAnswer, Session } from '../../src/core/run.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { ticketOf } from '../scheduler/ticket.ts'

const GRANT: KvGrant = { operations: 3, keyBytes: bytes(8), valueBytes: bytes(8), keys: 8, storedBytes: bytes(64) }
const ARGUMENTS_MAX = 100

interface World {
  readonly session: Session
  /** Calls and reads the answer. */
  call(operation: string, payload?: string): Promise<{ ok: boolean; value: unknown }>
  /** What the operations were called with. */
  readonly seen: unknown[][]
  readonly faults: [operation: string, error: unknown][]
  readonly slow: PromiseWithResolvers<string>
  /** The scope of the last operation that was called. */
  scope(): RunScope
  pass(ms: number): void
}

function open(grants: Grants = { kv: GRANT }, tenant = 'ann'): World {
  const seen: unknown[][] = []
  let last: RunScope | undefined
  let nowMs = 0
  const clock = { now: () => epochMillis(nowMs), elapsed: () => millis(nowMs) }
  const slow = Promise.withResolvers<string>()
  const record = (effect: 'none' | 'lasting', run: () => Promise<string> | string): Operation<KvGrant> => ({
    effect,
    async run(scope, grant, args) {
      seen.push([scope.tenant, grant, args])
      last = scope
      return run()
    },
  })
  const operations = new Map([
    ['read', record('none', () => '{"a":1}')],
    ['write', record('lasting', () => '')],
    ['slow', record('lasting', () => slow.promise)],
    [
      'refuse',
      record('none', () => {
        throw new CapabilityError('INVALID_ARGUMENT', 'the key is "odd"')
      }),
    ],
    [
      'fail',
      record('lasting', () => {
        throw new Error('password=hunter2 at /srv/data')
      }),
    ],
  ])
  const kv: Capability<'kv'> = { name: 'kv', operations, argumentsMax: () => ARGUMENTS_MAX }
  const faults: World['faults'] = []
  const broker = createBroker({ capabilities: [kv], clock, onFault: (...fault) => faults.push(fault) })
  const session = broker.open(ticketOf(tenant, { ...loadPolicies([]).resolve('default'), capabilities: grants }))
  return {
    session,
    seen,
    faults,
    slow,
    scope() {
      if (last === undefined) throw new Error('nothing was called')
      return last
    },
    pass: (ms) => void (nowMs += ms),
    call: async (operation, payload = '[]') => read(await session.call(operation, payload)),
  }
}

function read({ ok, text }: CallAnswer): { ok: boolean; value: unknown } {
  return { ok, value: text === '' ? undefined : JSON.parse(text) }
}

describe('a call', () => {
  test('reaches its operation with the ticket’s tenant, the policy’s grant and the parsed arguments', async () => {
    const { call, seen } = open()
    expect(await call('kv.read', '["k", {"tenant": "bob"}]')).toEqual({ ok: true, value: { a: 1 } })
    expect(seen).toEqual([['ann', GRANT, ['k', { tenant: 'bob' }]]])
  })

  test('answers undefined with empty text', async () => {
    const { session } = open()
    expect(await session.call('kv.write', '[]')).toEqual({ ok: true, text: '' })
  })

  test.each(['', 'kv', 'kv.', 'kv.nothing', 'KV.read', 'docs.read', '__proto__', 'constructor', 'kv.__proto__'])(
    'of %j is UNKNOWN_OPERATION',
    async (operation) => {
      const { call, session } = open()
      expect(await call(operation)).toMatchObject({ ok: false, value: { code: 'UNKNOWN_OPERATION' } })
      expect(session.operations).toEqual({})
    },
  )

  test('of a capability that the policy does not grant is NOT_GRANTED and reaches nothing', async () => {
    const { call, seen, session } = open({})
    expect(await call('kv.write')).toEqual({
      ok: false,
      value: { code: 'NOT_GRANTED', message: 'the policy does not grant kv' },
    })
    expect(seen).toEqual([])
    expect(session).toMatchObject({ operations: {}, hadEffects: false })
  })

  test.each(['', '{', 'undefined', '[1', '[NaN]', '['.repeat(50)])(
    'with arguments %j is refused: no JSON',
    async (text) => {
      const { call, seen } = open()
      const message = 'the arguments are not JSON'
      expect(await call('kv.write', text)).toEqual({ ok: false, value: { code: 'INVALID_ARGUMENT', message } })
      expect(seen).toEqual([])
    },
  )

  test.each(['{}', 'null', '"list"', '1', '{"length":1,"0":"k"}', '{"__proto__":["k"]}'])(
    'with arguments %s is refused: no list',
    async (text) => {
      const { call, seen } = open()
      const message = 'the arguments are not a list'
      expect(await call('kv.write', text)).toEqual({ ok: false, value: { code: 'INVALID_ARGUMENT', message } })
      expect(seen).toEqual([])
    },
  )

  test('with more arguments than the grant has use for is refused before they are parsed', async () => {
    const { call } = open()
    const most = `["${'x'.repeat(ARGUMENTS_MAX - 4)}"]`
    expect(most).toHaveLength(ARGUMENTS_MAX)
    expect(await call('kv.read', most)).toMatchObject({ ok: true })
    // It would be 'not JSON' if it were looked at.
    expect(await call('kv.read', '{'.repeat(ARGUMENTS_MAX + 1))).toEqual({
      ok: false,
      value: {
        code: 'INVALID_ARGUMENT',
        message: 'the arguments have 101 characters as JSON; the policy has use for 100 at most',
      },
    })
  })

  test('with __proto__ among its arguments changes no prototype', async () => {
    const { call, seen } = open()
    await call('kv.read', '[{"__proto__": {"polluted": 1}}, {"constructor": {"prototype": {"polluted": 1}}}]')
    expect(Reflect.has({}, 'polluted')).toBe(false)
    const [, , args] = seen[0] as [string, KvGrant, [object]]
    expect(Object.getPrototypeOf(args[0])).toBe(Object.prototype)
  })

  test('that its operation refuses shows code and message to the guest, and is no fault', async () => {
    const { call, faults } = open()
    expect(await call('kv.refuse')).toEqual({
      ok: false,
      value: { code: 'INVALID_ARGUMENT', message: 'the key is "odd"' },
    })
    expect(faults).toEqual([])
  })

  test('that fails on the host is UNAVAILABLE without any detail; the detail goes to onFault', async () => {
    const { session, faults } = open()
    const { ok, text } = await session.call('kv.fail', '[]')
    expect(ok).toBe(false)
    expect(JSON.parse(text)).toEqual({
      code: 'UNAVAILABLE',
      message: 'the operation failed on the host; it may have taken effect',
    })
    expect(faults).toEqual([['kv.fail', expect.objectContaining({ message: 'password=hunter2 at /srv/data' })]])
  })
})

describe('the operations of a run', () => {
  test('are as many as the grant says, counted exactly although calls overlap', async () => {
    const { session, seen, slow } = open()
    const answers = Array.from({ length: 5 }, () => session.call('kv.slow', '[]'))
    slow.resolve('1')
    const results = (await Promise.all(answers)).map(read)
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, false, false])
    expect(results[3]?.value).toEqual({
      code: 'QUOTA_EXCEEDED',
      message: 'a run may use kv 3 times (capabilities.kv.operations)',
    })
    expect(seen).toHaveLength(3)
    expect(session.operations).toEqual({ 'kv.slow': 3 })
  })

  test('count together, however they are called and whatever comes of them', async () => {
    const { call, session } = open()
    await call('kv.refuse')
    await call('kv.fail')
    await call('kv.read', 'no JSON')
    expect(await call('kv.write')).toMatchObject({ ok: false, value: { code: 'QUOTA_EXCEEDED' } })
    expect(session.operations).toEqual({ 'kv.refuse': 1, 'kv.fail': 1, 'kv.read': 1 })
  })

  test('are counted for each session by itself', async () => {
    const [first, second] = [open(), open()]
    for (const { call } of [first, second]) for (let count = 0; count < 3; count += 1) await call('kv.read')
    expect(second.session.operations).toEqual({ 'kv.read': 3 })
  })

  test('that were counted cannot be changed through what is handed out', async () => {
    const { call, session } = open()
    await call('kv.read')
    try {
      ;(session.operations as Record<string, number>)['kv.read'] = 0
    } catch {
      // Frozen is fine, too.
    }
    expect(session.operations).toEqual({ 'kv.read': 1 })
  })
})

describe('hadEffects', () => {
  test('is false as long as only operations without an effect were called', async () => {
    const { call, session } = open()
    await call('kv.read')
    await call('kv.refuse')
    expect(session.hadEffects).toBe(false)
  })

  test('is true once a body of the run’s own request or response was touched, which nobody counts', async () => {
    const exchange = { read: async () => 'end', traffic: { egress: bytes(0), ingress: bytes(0) } } as never
    const base = ticketOf('ann', { ...loadPolicies([]).resolve('default'), capabilities: {} })
    const broker = createBroker({ capabilities: [], clock: systemClock, onFault: () => {} })
    using session = broker.open({ ...base, request: { ...base.request, exchange } })
    expect(session.hadEffects).toBe(false)
    expect(await session.call('http.read', '[]')).toMatchObject({ ok: true })
    expect(session).toMatchObject({ hadEffects: true, operations: {} })
  })

  test('is true from the moment an operation with a lasting effect begins, even if it fails', async () => {
    const waiting = open()
    void waiting.session.call('kv.slow', '[]')
    expect(waiting.session.hadEffects).toBe(true)
    const failing = open()
    await failing.call('kv.fail')
    expect(failing.session.hadEffects).toBe(true)
  })
})

describe('a session that is over', () => {
  test('refuses every call as RUN_OVER and counts none', async () => {
    const { call, session, seen } = open()
    session[Symbol.dispose]()
    for (const operation of ['kv.write', 'kv.nothing', 'kv.read']) {
      expect(await call(operation)).toEqual({ ok: false, value: { code: 'RUN_OVER', message: 'the run is over' } })
    }
    expect(seen).toEqual([])
    expect(session).toMatchObject({ operations: {}, hadEffects: false })
  })

  test('may be ended twice', () => {
    const { session } = open()
    session[Symbol.dispose]()
    session[Symbol.dispose]()
  })

  test('keeps its counts for the bill', async () => {
    const { call, session } = open()
    await call('kv.write')
    session[Symbol.dispose]()
    expect(session).toMatchObject({ operations: { 'kv.write': 1 }, hadEffects: true })
  })
})

describe('the scope of a run', () => {
  const disposable = (onEnd: () => void) => (): Disposable => ({ [Symbol.dispose]: onEnd })

  test('keeps one thing for each key, and disposes of all when the run is over, whatever one of them does', async () => {
    const { call, scope, session, faults } = open()
    await call('kv.read')
    const ended: string[] = []
    const [first, second, third] = [{}, {}, {}]
    const kept = scope().keep(
      first,
      disposable(() => ended.push('first')),
    )
    expect(
      scope().keep(
        first,
        disposable(() => ended.push('never made')),
      ),
    ).toBe(kept)
    scope().keep(
      second,
      disposable(() => {
        throw new Error('stuck')
      }),
    )
    scope().keep(
      third,
      disposable(() => ended.push('third')),
    )
    session[Symbol.dispose]()
    expect(ended).toEqual(['first', 'third'])
    expect(faults).toEqual([['session.close', expect.objectContaining({ message: 'stuck' })]])
  })

  test('disposes at once of what an operation makes after the run is over', async () => {
    const { call, scope, session } = open()
    await call('kv.read')
    session[Symbol.dispose]()
    const ended: string[] = []
    scope().keep(
      {},
      disposable(() => ended.push('late')),
    )
    expect(ended).toEqual(['late'])
  })

  test('has a signal that is aborted by the end of the run, whether it was asked for before or after', async () => {
    const [early, late] = [open(), open()]
    for (const { call } of [early, late]) await call('kv.read')
    const { signal } = early.scope()
    expect(signal.aborted).toBe(false)
    for (const { session } of [early, late]) session[Symbol.dispose]()
    expect(signal.aborted).toBe(true)
    expect(late.scope().signal.aborted).toBe(true)
  })

  test('knows what is left of the run’s wall limit, never less than nothing', async () => {
    const { call, scope, pass } = open()
    await call('kv.read')
    const { wall } = scope().ticket
    expect(scope().remaining()).toBe(wall)
    pass(wall - 10)
    expect(scope().remaining()).toBe(10)
    pass(20)
    expect(scope().remaining()).toBe(0)
  })

  test('adds up the traffic that capabilities meter, and the session tells it after its end', async () => {
    const { call, scope, session } = open()
    expect(session.traffic).toEqual({ egress: 0, ingress: 0 })
    await call('kv.read')
    scope().meter({ egress: bytes(10) })
    scope().meter({ egress: bytes(5), ingress: bytes(7) })
    session[Symbol.dispose]()
    expect(session.traffic).toEqual({ egress: 15, ingress: 7 })
  })
})
