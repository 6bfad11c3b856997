import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Guest, openGuest } from './guest.ts'
import { REPLACE, SPY, WALK } from './reach.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

interface Found {
  readonly objects: number
  /** Paths of what has the name of a class of isolated-vm or Node. */
  readonly forbidden: readonly string[]
  /** Paths of what belongs to another realm. */
  readonly foreign: readonly string[]
  /** Paths of native functions without a name: so arrives a callback of the cell's. */
  readonly nameless: readonly string[]
  readonly names: readonly string[]
}

test('a guest reaches the language and the runtime’s own functions, and nothing of isolated-vm, Node or the cell', async () => {
  const found = (await guest.value(`${WALK}\n return walk({ globalThis, context, input, meta: import.meta })`)) as Found
  expect(found.objects).toBeGreaterThan(1_000)
  expect(found).toMatchObject({ forbidden: [], foreign: [], nameless: [] })
  for (const name of ['Array', 'waitUntil', 'compareAndSet', 'groupEnd']) expect(found.names).toContain(name)
})

describe('a guest that watches the runtime at work', () => {
  const report = `return { ...walk(roots), kinds: [...new Set(Object.keys(roots).map((name) => name.replace(/\\.\\d+$/, '')))] }`
  const kinds = ['timeout.this', 'toJSON.frame', 'then.argument', 'refusal', 'microtask.caller.thrown', 'shown.sites']

  test('gets nothing of it from what its functions are handed: no caller, no frame, no internal', async () => {
    const found = (await guest.value(`${WALK}\n${SPY}\n${report}`)) as Found & { kinds: string[] }
    expect(found).toMatchObject({ forbidden: [], foreign: [] })
    expect(found.kinds).toEqual(expect.arrayContaining(kinds))
    // Only those of the language: what resolves a promise.
    for (const path of found.nameless) expect(path).toMatch(/^then\.argument\.\d+$/)
  })

  test('gets nothing more by replacing every built-in that the runtime could use', async () => {
    const found = (await guest.value(`${WALK}\n${SPY}\n${REPLACE}\n${report}`)) as Found & { kinds: string[] }
    expect(found).toMatchObject({ forbidden: [], foreign: [] })
    expect(found.kinds).toEqual(
      expect.arrayContaining([...kinds, 'late refusal', 'late answer', 'late microtask.this']),
    )
    // The runtime uses none of them: what is called are the language's own ways to a promise and to JSON of guest values.
    const used = found.kinds.filter((kind) =>
      /^(set|get|global|Reflect|iterator|slice|indexOf|apply|call|bind)\b/.test(kind),
    )
    expect(used.filter((kind) => !kind.startsWith('get toJSON.'))).toEqual([])
    expect(found.kinds.filter((kind) => /^(stringify|parse|freeze|defineProperty)\b/.test(kind))).toEqual([])
    const internal = ['RuntimeLimits', 'outputBytes', 'pendingCalls', 'bridge', 'whenEmpty', 'everyMs']
    for (const name of internal) expect(found.names).not.toContain(name)
  })
})

test('the search finds what it looks for, if it is there', async () => {
  const code = `${WALK}
    class Reference {}
    const hidden = { get hidden() { return { [Symbol('s')]: new Reference() } } }
    const foreign = Object.assign(Object.create(null), { hasOwnProperty() {} })
    let resolve
    new Promise((given) => { resolve = given })
    return [walk({ a: { deep: [hidden] } }).forbidden[0], walk({ a: { process: {} } }).forbidden, walk({ a: Object.create(foreign) }).foreign,
      walk({ resolve }).nameless]`
  expect(await guest.value(code)).toEqual([
    'a.deep.0.hidden.<got>.Symbol(s): Reference',
    ['a.process: process'],
    ['a.<prototype>'],
    ['resolve'],
  ])
})
