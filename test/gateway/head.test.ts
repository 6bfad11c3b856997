import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readHead } from '../../src/gateway/run/head.ts'

const head = (header: readonly unknown[]): unknown => ({ status: 200, statusText: '', headers: [header] })

test('a header whose value could end it, or the head, is a fault and is named', () => {
  const forbidden = fc.constantFrom('\r', '\n', '\0', '\u007f', '\u0100', '\ud800', '\v')
  fc.assert(
    fc.property(fc.string(), forbidden, fc.string(), (before, bad, after) => {
      expect(readHead(head(['x-note', before + bad + after]))).toBe(
        'the header x-note has a character that it cannot have',
      )
      expect(readHead({ status: 200, statusText: before + bad + after, headers: [] })).toMatch(/^the statusText /)
    }),
    { numRuns: 100 },
  )
})

test('a header whose name is no token in small letters is a fault', () => {
  const names = fc.constantFrom('', 'X-Upper', 'a b', 'a:b', 'a\r\nb', 'ä', 'a\0', '__proto__ ', 'a/b')
  fc.assert(
    fc.property(names, (name) => {
      expect(readHead(head([name, 'v']))).toBe('the response has a header whose name is none')
    }),
  )
  for (const pair of [null, 'x-note', ['x-note'], [1, 'v'], ['x-note', 1]]) {
    expect(typeof readHead(head(pair as never)), JSON.stringify(pair)).toBe('string')
  }
})
