import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CALL_LENGTH_MAX } from '../../sandbox-api/bridge.ts'
import { CALL_PAYLOAD_MAX, FROM_CELL_PAYLOAD_MAX, TO_CELL_PAYLOAD_MAX } from '../../src/wire/limits.ts'

/** The most that a policy can allow, from the schema that every policy is checked by. */
function mostOf(field: string): number {
  const text = readFileSync(new URL('../../policies/policy.schema.json', import.meta.url), 'utf8')
  const bounds: number[] = []
  JSON.parse(text, (name, value) => {
    if (name === field) JSON.stringify(value, (key, inner) => (key === 'maximum' ? (bounds.push(inner), inner) : inner))
    return value
  })
  expect(bounds).not.toEqual([])
  return Math.max(...bounds)
}

test('a frame holds the largest result that any policy allows, at three bytes a character', () => {
  expect(FROM_CELL_PAYLOAD_MAX).toBeGreaterThan(3 * mostOf('outputBytes'))
})

test('a frame holds the most code that any policy allows, each byte of it escaped, and the largest input', () => {
  expect(TO_CELL_PAYLOAD_MAX).toBeGreaterThan(6 * mostOf('codeBytes'))
  expect(TO_CELL_PAYLOAD_MAX).toBeGreaterThan(mostOf('inputBytes'))
})

test('the guest runtime refuses a call before the wire does, and has room for two of the largest values and a key', () => {
  expect(CALL_PAYLOAD_MAX).toBeGreaterThanOrEqual(3 * CALL_LENGTH_MAX)
  expect(CALL_LENGTH_MAX).toBeGreaterThan(2 * mostOf('valueBytes') + 6 * mostOf('keyBytes') + 1_000)
})
