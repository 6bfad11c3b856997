import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Guest, openGuest } from './guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest(['ann', 'bob'])
})
afterAll(() => guest[Symbol.asyncDispose]())

describe('context', () => {
  test('tells run, tenant and attempt, and holds what the policy grants and nothing else', async () => {
    const code = 'return [context.runId, context.tenant, context.attempt, Object.keys(context), context.env]'
    const [runId, tenant, attempt, keys, env] = (await guest.value(code, { tenant: 'bob' })) as unknown[]
    expect(runId).toMatch(/^run_[0-9a-v]{26}$/)
    expect([tenant, attempt, env]).toEqual(['bob', 1, {}])
    expect(keys).toEqual(['runId', 'tenant', 'function', 'attempt', 'remainingMs', 'waitUntil', 'env', 'kv'])
    const bare = await guest.value('return Object.keys(context)', { grants: {} })
    expect(bare).not.toContain('kv')
  })

  test('is frozen, and so are env and kv', async () => {
    const code = `const tries = { tenant: () => { context.tenant = 'bob' }, kv: () => { context.kv.get = 1 }, env: () => { context.env.A = 1 },
        more: () => { context.more = 1 }, gone: () => { delete context.runId }, method: () => { delete context.kv.put } }
      const thrown = Object.entries(tries).flatMap(([name, attempt]) => { try { attempt(); return [] } catch (e) { return [name, e.name] } })
      return [thrown, context.tenant]`
    const names = ['tenant', 'kv', 'env', 'more', 'gone', 'method'].flatMap((name) => [name, 'TypeError'])
    expect(await guest.value(code)).toEqual([names, 'ann'])
  })

  test('is a new one for each run', async () => {
    const code = 'const same = globalThis.last === context; globalThis.last = context; return [same, context.runId]'
    const options = { reuse: 'function' } as const
    const first = (await guest.value(code, options)) as [boolean, string]
    const second = (await guest.value(code, options)) as [boolean, string]
    expect([first[0], second[0]]).toEqual([false, false])
    expect(second[1]).not.toBe(first[1])
  })
})

describe('remainingMs', () => {
  test('begins at the wall limit and shrinks as time passes', async () => {
    const code = `const seen = [context.remainingMs()]; while (seen.length < 4) { await new Promise((resolve) => setTimeout(resolve, 10))
      seen.push(context.remainingMs()) } return seen`
    const seen = (await guest.value(code, { wallMs: 5_000 })) as number[]
    expect(seen[0]).toBeLessThanOrEqual(5_000)
    expect(seen[0]).toBeGreaterThan(1_000)
    for (let index = 1; index < seen.length; index += 1) expect(seen[index]).toBeLessThanOrEqual(seen[index - 1]! - 9)
  })

  test('does not follow what the guest makes of Date and Math', async () => {
    const code = 'Date.now = () => 0; globalThis.Date = null; Math.max = () => 1e9; return context.remainingMs()'
    expect(await guest.value(code, { wallMs: 5_000 })).toBeLessThanOrEqual(5_000)
  })
})

describe('waitUntil', () => {
  const sleep = 'const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))\n'

  test('holds the answer back until each promise is settled', async () => {
    const code = `${sleep} globalThis.done ??= []; if (done.length > 0) return done
      context.waitUntil(sleep(60).then(() => done.push('slow'))); context.waitUntil(sleep(20).then(() => done.push('quick'))); return done`
    const options = { reuse: 'function' } as const
    // The result is turned into JSON when all is done.
    expect(await guest.value(code, options)).toEqual(['quick', 'slow'])
    expect(await guest.value(code, options)).toEqual(['quick', 'slow'])
  })

  test('may be called from a promise that is waited for', async () => {
    const code = `${sleep} const seen = []; context.waitUntil(sleep(5).then(() => { seen.push(1); context.waitUntil(sleep(5).then(() => {
      seen.push(2); context.waitUntil(sleep(5).then(() => seen.push(3))) })) })); return seen`
    expect(await guest.value(code)).toEqual([1, 2, 3])
  })

  test('logs a rejection and does not change the result', async () => {
    const code = `${sleep} context.waitUntil(sleep(5).then(() => { throw new Error('too bad') })); return 'fine'`
    const { status, result, logs } = await guest.run(code)
    expect([status, Buffer.from(result ?? []).toString()]).toEqual(['ok', '"fine"'])
    expect(logs).toEqual([{ level: 'warn', message: '[cloister] a promise given to waitUntil was rejected: too bad' }])
  })

  test.each([
    ['undefined', 'undefined', 'undefined'],
    [
      'a hostile error',
      '{ get message() { throw 1 }, toJSON() { throw 2 } }',
      'an object was thrown that cannot be shown',
    ],
    ['a hostile function', 'Object.assign(() => {}, { toString() { throw 1 } })', 'a function was thrown'],
    ['a long message', 'new Error("x".repeat(1e6))', 'x'.repeat(1_000)],
  ])('logs a rejection with %s', async (_, reason, message) => {
    const lines = await guest.logs(`context.waitUntil(Promise.reject(${reason})); return 1`)
    expect(lines).toEqual([`warn: [cloister] a promise given to waitUntil was rejected: ${message}`])
  })

  test('takes what is no promise, and what is only like one', async () => {
    const code = `context.waitUntil(); context.waitUntil(5); context.waitUntil({ then(resolve) { setTimeout(resolve, 5) } }); return 1`
    expect(await guest.value(code)).toBe(1)
  })

  test('does not save a run that throws', async () => {
    const code = `${sleep} context.waitUntil(sleep(60000)); throw new Error('now')`
    expect(await guest.run(code)).toMatchObject({ status: 'error', error: { message: 'now' } })
  })

  test('does not last longer than the wall limit', async () => {
    const { status } = await guest.run(`${sleep} context.waitUntil(sleep(60000)); return 1`, { wallMs: 100 })
    expect(status).toBe('timeout')
  })

  test('with what nothing can settle is an error that says so', async () => {
    const { status, error } = await guest.run('context.waitUntil(new Promise(() => {})); return 1')
    expect(status).toBe('error')
    expect(error?.message).toContain('nothing can settle')
  })
})

describe('a context that an earlier run has left behind', () => {
  const options = { reuse: 'function' } as const
  const keep = (code: string): string =>
    `const old = globalThis.old; globalThis.old = context; if (!old) return 'kept'; ${code}`

  test('gives no access to anything: its calls are RUN_OVER and count for nobody', async () => {
    const code =
      keep(`const codes = []; for (const [method, ...args] of [['get', 'k'], ['put', 'k', 1], ['delete', 'k'], ['list'], ['increment', 'k'],
      ['compareAndSet', 'k', null, 1]]) { try { await old.kv[method](...args); codes.push('done') } catch (e) { codes.push(e.code) } }
      return [codes, await context.kv.get('k')]`)
    expect(await guest.value(code, options)).toBe('kept')
    expect(await guest.value(code, options)).toEqual([Array.from({ length: 6 }, () => 'RUN_OVER'), null])
    expect(guest.cells.sessions.at(-1)?.operations).toEqual({ 'kv.get': 1 })
  })

  test('cannot hold up a later run, and its time is its own', async () => {
    const code = keep('old.waitUntil(new Promise(() => {})); return [old.runId !== context.runId, old.remainingMs()]')
    expect(await guest.value(code, { ...options, wallMs: 60_000 })).toBe('kept')
    const [differs, remainingMs] = (await guest.value(code, { ...options, wallMs: 60_000 })) as [boolean, number]
    expect(differs).toBe(true)
    expect(remainingMs).toBeLessThan(60_000)
  })

  test('and its function, which goes on in a later run’s time, does not answer in place of that run’s', async () => {
    const code = `if (globalThis.wake) { wake(); await new Promise((resolve) => setTimeout(resolve, 5)); return ['second', globalThis.seen] }
      const woken = new Promise((resolve) => { globalThis.wake = resolve }); setTimeout(() => { throw new Error('ended') }, 1); await woken
      await context.kv.put('k', 1).catch((e) => { globalThis.seen = e.code }); return 'first'`
    expect(await guest.run(code, options)).toMatchObject({ status: 'error', error: { message: 'ended' } })
    expect(await guest.value(code, options)).toEqual(['second', 'RUN_OVER'])
  })
})
