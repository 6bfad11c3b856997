import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BRIDGE, ENDING, ENTRY } from '../../sandbox-api/bridge.ts'
import { buildCellProgram } from '../../src/pool/program.ts'
import { AGREE, COUNT, HUNT, TAMPER } from './clocks.ts'
import { type Guest, openGuest } from './guest.ts'
import { SHAPES } from './shapes.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

const LIVE = { engine: { clock: 'live' } } as const
const REUSES = ['context', 'run', 'function'] as const

describe('a frozen clock', () => {
  test.each(REUSES)(
    'shows one value through every source for as long as code computes, with reuse "%s"',
    async (reuse) => {
      // The second run has a realm that was made after the first, or that has been used before.
      for (const _ of [1, 2]) {
        const counts = (await guest.value(COUNT, { reuse })) as Record<string, number>
        expect(Object.keys(counts).length).toBeGreaterThan(35)
        expect(Object.entries(counts).filter(([, count]) => count !== 1)).toEqual([])
      }
    },
  )

  test('is not shown by any function that can be reached, whatever its name', async () => {
    const { functions, changed } = (await guest.value(HUNT)) as { functions: number; changed: string[] }
    expect(functions).toBeGreaterThan(700)
    expect(changed).toEqual(['globalThis.Math.random'])
  })

  test('is no less frozen for a guest that has tampered with the language before it first asks', async () => {
    const code = `${TAMPER}
      const functions = [...new Set(stolen)].filter((found) => typeof found === 'function')
      const objects = [...new Set(stolen)].filter((found) => typeof found === 'object' && found !== null)
      const read = () => JSON.stringify([Date.now(), new Date(), Date(), new Intl.DateTimeFormat('en', { fractionalSecondDigits: 3 }).format(), String(Temporal.Now.instant()),
        functions.map((f) => { try { return String(f()) } catch { try { return String(new f()) } catch { return 'x' } } }), objects.map((o) => { try { return String(o.now?.()) } catch { return 'x' } })])
      const seen = new Set()
      for (let round = 0; round < 20; round++) { for (let n = 0; n < 1e6; n++); seen.add(read()) }
      return [builtIns.map((found) => typeof found), seen.size, builtIns[0] === Date && Date.prototype.constructor === Date]`
    const kinds = ['function', 'object', 'object', 'object']
    expect(await guest.value(code)).toEqual([kinds, 1, true])
    const [, size] = (await guest.value(code, LIVE)) as [unknown, number]
    expect(size).toBeGreaterThan(1)
  })

  test('works in a global object that the guest has frozen', async () => {
    const code = `Object.freeze(globalThis)
      const from = Date.now(); for (let n = 0; n < 3e7; n++);
      return [Date.now() - from, Date === Date, new Date() instanceof Date, Temporal.Now.instant().epochMilliseconds - from, typeof Intl.DateTimeFormat]`
    expect(await guest.value(code)).toEqual([0, true, true, 0, 'function'])
  })

  test('is the same through every source', async () => {
    const same = { instant: 0, zoned: 0, plain: 0, day: true, time: true, text: 0, format: true, parts: true }
    expect(await guest.value(AGREE)).toEqual(same)
  })

  test('stands for console.time as well', async () => {
    const code = 'console.time("t"); for (let n = 0; n < 5e7; n++); console.timeEnd("t")'
    expect(await guest.logs(code)).toEqual(['info: t: 0 ms'])
  })

  test('moves to the real time with every entry from the host: start, timer and answer', async () => {
    const code = `const at = () => [Date.now(), Temporal.Now.instant().epochMilliseconds]
      const seen = [at()]
      await new Promise((resolve) => setTimeout(resolve, 40)); seen.push(at())
      await new Promise((resolve) => setTimeout(resolve, 40)); await context.kv.get('k'); seen.push(at())
      return seen`
    const before = Date.now()
    const seen = (await guest.value(code)) as [number, number][]
    for (const [date, temporal] of seen) expect(temporal).toBe(date)
    const [first, second, third] = seen.map(([date]) => date) as [number, number, number]
    expect(first).toBeGreaterThanOrEqual(before)
    expect(second - first).toBeGreaterThanOrEqual(39)
    expect(third - second).toBeGreaterThanOrEqual(39)
    expect(third).toBeLessThanOrEqual(Date.now())
  })

  test('moves between two runs in one realm', async () => {
    const options = { reuse: 'function', tenant: 'ann' } as const
    const first = (await guest.value('return Date.now()', options)) as number
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await guest.value('return Date.now()', options)).toBeGreaterThanOrEqual(first + 19)
  })

  test('stands while the module is evaluated', async () => {
    const code = 'const a = Date.now(); for (let n = 0; n < 5e7; n++); const b = Date.now(); export default () => b - a'
    expect(await guest.value(code)).toBe(0)
  })

  test('leaves everything about Date, Intl and Temporal as the language has it, but for the time', async () => {
    const frozen = await guest.value(SHAPES)
    expect(frozen).toEqual(await guest.value(SHAPES, LIVE))
  })

  test('leaves a Temporal that the guest may replace, and asks none of the guest’s functions for the time', async () => {
    const code = `const results = []
      const own = Object.getOwnPropertyDescriptor(globalThis, 'Temporal').get
      globalThis.Temporal = 5; results.push(Temporal, Object.keys(Object.getOwnPropertyDescriptor(globalThis, 'Temporal')).length)
      delete globalThis.Temporal; results.push(typeof Temporal)
      results.push(own === undefined || own() === own())
      return results`
    expect(await guest.value(code)).toEqual([5, 4, 'undefined', true])
    const replaced = `Date.prototype.toTemporalInstant = () => ({}); try { Temporal.Now } catch (error) { return error.name }`
    expect(await guest.value(replaced)).toBe('TypeError')
  })
})

describe('a live clock', () => {
  test('moves while code computes, so that the search is known to find one', async () => {
    const counts = (await guest.value(COUNT, { ...LIVE, input: { only: 'fine' } })) as Record<string, number>
    const standing = Object.entries(counts).filter(([, count]) => count === 1)
    // Nothing is behind those two: built-ins are not to be had from frames, and an instant leads to no clock.
    expect(standing.map(([name]) => name)).toEqual(['frames', 'constructor of an instant'])
    const { changed } = (await guest.value(HUNT, LIVE)) as { changed: string[] }
    expect(changed).toEqual(expect.arrayContaining(['globalThis.Date', 'globalThis.Date.now', 'remainingMs']))
    expect(changed).toEqual(expect.arrayContaining(['globalThis.Temporal.Now.instant']))
  })
})

describe('without Temporal', () => {
  test('there is no way to any of its classes', async () => {
    const code = `return [typeof Temporal, typeof globalThis.Temporal, 'Temporal' in globalThis, typeof new Date().toTemporalInstant]`
    const expected = ['undefined', 'undefined', false, 'undefined']
    expect(await guest.value(code, { engine: { temporal: false } })).toEqual(expected)
    expect(await guest.value(code, { engine: { temporal: false, clock: 'live' } })).toEqual(expected)
  })
})

describe('the runtime with a system clock that somebody sets', () => {
  test('shows a frozen clock that follows it forwards and never back', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cloister-clock-'))
    const { runtime } = await buildCellProgram(directory)
    rmSync(directory, { recursive: true })
    const system = { ms: 1_000 }
    const realm = createContext({ system })
    runInContext('Date.now = () => system.ms', realm)
    const results: unknown[] = []
    const bridge = (kind: number, ending: unknown, text: unknown): number =>
      kind === BRIDGE.settle ? results.push(ending, text) : 0
    const enter = runInContext(runtime, realm)(bridge)
    const engine = { wasm: true, eval: true, temporal: true, clock: 'frozen', sharedMemory: false }
    enter(ENTRY.assign, JSON.stringify({ outputBytes: 1_000, capabilities: [], engine }), '')
    const code =
      'Promise.resolve([Date.now(), +new Date(), Date.parse(Date()), Temporal.Now.instant().epochMilliseconds])'
    enter(ENTRY.bind, 0, runInContext(`({ whenReady: (action) => action({ default: () => ${code} }) })`, realm))
    for (const ms of [2_000, 1_500, 3_500]) {
      system.ms = ms
      enter(ENTRY.start, 'null', '{"wallMs":1,"env":{}}')
      await new Promise((resolve) => setImmediate(resolve))
    }
    const shown = [2_000, 2_000, 3_500].flatMap((ms) => [ENDING.value, JSON.stringify([ms, ms, ms - (ms % 1_000), ms])])
    expect(results).toEqual(shown)
  })
})
