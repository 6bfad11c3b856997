import fc from 'fast-check'
import { expect, test } from 'vitest'
import { prefixEnd } from '../../src/store/prefix.ts'

const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\u{10ffff}', '😀'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
})

function isBelow(one: string, other: string): boolean {
  return Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0
}

test('a text is in the range of a prefix if and only if it starts with it', () => {
  fc.assert(
    fc.property(text, text, fc.boolean(), (prefix, rest, isJoined) => {
      const candidate = isJoined ? prefix + rest : rest
      const end = prefixEnd(prefix)
      const isInRange = !isBelow(candidate, prefix) && (end === undefined || isBelow(candidate, end))
      expect(isInRange).toBe(candidate.startsWith(prefix))
    }),
    { numRuns: 2_000 },
  )
})
