import { expect, test } from 'vitest'
import { compare } from '../../src/stress/audit.ts'
import { withPatience } from '../../src/stress/door.ts'
import { percentile, shuffle, summarize } from '../../src/stress/statistics.ts'

test('a percentile is a value that was there, by nearest rank', () => {
  expect([percentile([], 0.5), percentile([3], 0.99), percentile([4, 1, 3, 2], 0.5)]).toEqual([0, 3, 2])
  const values = Array.from({ length: 200 }, (_, i) => i + 1)
  expect(summarize(values)).toEqual({ count: 200, p50Ms: 100, p99Ms: 198, maxMs: 200 })
})

test('a seed gives one order, another seed another, and nothing is lost', () => {
  const items = Array.from({ length: 50 }, (_, i) => i)
  expect(shuffle(items, 7)).toEqual(shuffle(items, 7))
  expect(shuffle(items, 8)).not.toEqual(shuffle(items, 7))
  expect(shuffle(items, 7).toSorted((a, b) => a - b)).toEqual(items)
})

test('a ledger that lacks a run, has one twice, differently, or one too many is told', () => {
  const answered = [{ runId: 'a', status: 'ok' }]
  expect(compare('t', answered, [{ runId: 'a', status: 'ok' }])).toEqual([])
  expect(compare('t', answered, [])).toEqual(['run a of t is in the ledger 0 times'])
  expect(compare('t', answered, [{ runId: 'a', status: 'error' }])).toEqual([
    'run a of t was ok, its record says error',
  ])
  expect(compare('t', answered, [...answered, ...answered])).toEqual(['run a of t is in the ledger 2 times'])
  expect(compare('t', [], answered)).toEqual(['the ledger of t has runs that nobody was answered'])
})

test('a request without an answer is rejected in the end', async () => {
  const door = withPatience({ request: () => new Promise(() => {}) }, 5)
  await expect(door.request('GET', '/')).rejects.toThrow('no answer within 5 ms')
})
