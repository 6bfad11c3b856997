import fc from 'fast-check'
import { expect, test } from 'vitest'
import { millis } from '../../src/core/quantity.ts'
import { type Asked, openQueue, settle } from './queue.ts'

const TENANTS = ['ann', 'bob', 'cat', 'dan']

const limits = fc.record({
  concurrency: fc.integer({ min: 1, max: 4 }),
  queue: fc.integer({ min: 0, max: 5 }),
  queueWait: fc.integer({ min: 0, max: 200 }).map(millis),
})
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ ask: fc.nat({ max: TENANTS.length - 1 }) }) },
  { weight: 4, arbitrary: fc.record({ release: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ pass: fc.integer({ min: 1, max: 120 }) }) },
)

test('whatever the order of events: no bound is passed, no room is wasted, every run is settled, nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.array(limits, { minLength: TENANTS.length, maxLength: TENANTS.length }),
      fc.array(step, { maxLength: 80 }),
      async (runsMax, limitsOf, steps) => {
        using queue = openQueue(runsMax)
        const all: Asked[] = []
        const given = new Set<Asked>()
        const running = (): Asked[] => all.filter((asked) => asked.turn !== undefined && !given.has(asked))
        const waiting = (): Asked[] => all.filter(({ turn, refusal }) => turn === undefined && refusal === undefined)
        const of = (list: readonly Asked[], tenant: string): number =>
          list.filter((asked) => asked.tenant === tenant).length
        const giveBack = (asked: Asked | undefined): void => {
          if (asked === undefined) return
          given.add(asked)
          asked.turn?.[Symbol.dispose]()
        }

        const check = (): void => {
          const [runs, waits] = [running(), waiting()]
          expect(queue.scheduler.load).toEqual({
            running: runs.length,
            waiting: waits.length,
            tenants: new Set([...runs, ...waits].map(({ tenant }) => tenant)).size,
          })
          expect(runs.length).toBeLessThanOrEqual(runsMax)
          for (const [index, tenant] of TENANTS.entries()) {
            const { concurrency, queue: places } = limitsOf[index]!
            expect(of(runs, tenant)).toBeLessThanOrEqual(concurrency)
            expect(of(waits, tenant)).toBeLessThanOrEqual(places)
            if (of(waits, tenant) > 0) expect(runs.length === runsMax || of(runs, tenant) === concurrency).toBe(true)
          }
        }

        for (const next of steps) {
          if ('ask' in next) all.push(queue.ask(TENANTS[next.ask]!, limitsOf[next.ask]!))
          else if ('release' in next) giveBack(running()[next.release % Math.max(1, running().length)])
          else queue.pass(next.pass)
          await settle()
          check()
        }
        const idle = queue.scheduler.idle()
        while (running().length > 0) {
          giveBack(running()[0])
          await settle()
          check()
        }
        await idle
        expect(waiting()).toEqual([])
        expect(queue.scheduler.load).toEqual({ running: 0, waiting: 0, tenants: 0 })
      },
    ),
    { numRuns: 200 },
  )
})

test('while policies change under waiting runs: the host’s bound holds and every run is settled', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(
        fc.record({ tenant: fc.constantFrom(...TENANTS), limits, release: fc.nat(), pass: fc.nat({ max: 60 }) }),
        {
          maxLength: 60,
        },
      ),
      async (runsMax, steps) => {
        using queue = openQueue(runsMax)
        const all: Asked[] = []
        let returned = 0
        const giveBack = (): void => queue.served[returned++]?.turn?.[Symbol.dispose]()
        for (const { tenant, limits: its, release, pass } of steps) {
          all.push(queue.ask(tenant, its))
          if (release % 2 === 0 && returned < queue.served.length) giveBack()
          queue.pass(pass)
          await settle()
          expect(queue.scheduler.load.running).toBe(queue.served.length - returned)
          expect(queue.scheduler.load.running).toBeLessThanOrEqual(runsMax)
        }
        queue.pass(250)
        while (returned < queue.served.length) {
          giveBack()
          await settle()
        }
        for (const { turn, refusal } of all) expect([turn, refusal].filter(Boolean)).toHaveLength(1)
        expect(queue.scheduler.load).toEqual({ running: 0, waiting: 0, tenants: 0 })
      },
    ),
    { numRuns: 200 },
  )
})
