import { expect, test } from 'vitest'
import { connectionsWithin, descriptorsMax } from '../src/machine.ts'

test('connections leave descriptors for every cell', () => {
  expect(connectionsWithin(10_000, 1_048_576, 1_024)).toBe(10_000)
  expect(connectionsWithin(10_000, Infinity, 1_024)).toBe(10_000)
  expect(connectionsWithin(10_000, 4_096, 256)).toBe(4_096 - 200 - 8 * 256)
})

test('with hardly any descriptors some connections are taken all the same', () => {
  expect(connectionsWithin(10_000, 256, 256)).toBe(100)
})

test('what the system says of descriptors is a number', () => {
  expect(descriptorsMax()).toBeGreaterThan(100)
})
