import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formsOf } from '../../../src/broker/secrets/forms.ts'
import { Matcher } from '../../../src/broker/secrets/matcher.ts'
import { type Redaction, Redactor, redacted } from '../../../src/broker/secrets/redact.ts'

const redactionOf = (secrets: Readonly<Record<string, string>>): Redaction => ({
  matcher: new Matcher(
    Object.entries(secrets).flatMap(([name, value]) => formsOf(value).map((bytes) => ({ name, bytes }))),
  ),
  replacementOf: (name) => `<${name}>`,
})

function redact(text: string | Uint8Array, redaction: Redaction, cuts: readonly number[] = []): string {
  const bytes = Buffer.from(text)
  const redactor = new Redactor(redaction)
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  const out = edges.slice(1).map((edge, index) => redactor.push(bytes.subarray(edges[index], edge)))
  return Buffer.concat([...out, redactor.end()]).toString()
}

// Marks that the encodings have to deal with, and few letters, so that secrets begin and end like each other.
const secret = fc.string({ unit: fc.constantFrom('a', 'b', '+', '/', '"', ' ', '&', 'ü'), minLength: 8, maxLength: 14 })
const filler = fc.string({ unit: fc.constantFrom('a', 'b', '+', '"', '%', '=', 'Q'), maxLength: 8 })
const ENCODINGS: readonly ((value: string, before: string, after: string) => string)[] = [
  (value) => value,
  (value) => JSON.stringify(value),
  (value) => encodeURIComponent(value),
  (value) => encodeURIComponent(value).replaceAll(/%../g, (code) => code.toLowerCase()),
  (value) => new URLSearchParams({ key: value }).toString(),
  (value, before, after) => Buffer.from(before + value + after).toString('base64'),
  (value, before, after) => Buffer.from(before + value + after).toString('base64url'),
]
const piece = fc.tuple(fc.nat(1), fc.nat(ENCODINGS.length - 1), filler, filler, filler)

test('however a response is cut into pieces and a secret encoded in it, none of it comes through', () => {
  fc.assert(
    fc.property(secret, secret, fc.array(piece, { maxLength: 5 }), fc.array(fc.nat(500)), (a, b, pieces, cuts) => {
      const redaction = redactionOf({ A: a, B: b })
      const text = pieces
        .map(([which, encoding, before, after, between]) => {
          return between + ENCODINGS[encoding]!([a, b][which]!, before, after)
        })
        .join('')
      for (const [which, encoding, before, after] of pieces) {
        const value = [a, b][which]!
        // By what it must hold, not by what the forms are said to be.
        expect(redact(ENCODINGS[encoding]!(value, before, after), redaction)).toMatch(/<[AB]>/)
      }
      const out = redact(text, redaction, cuts)
      expect(out).toBe(redact(text, redaction))
      for (const value of [a, b]) {
        for (const form of formsOf(value)) expect(out).not.toContain(Buffer.from(form).toString())
      }
    }),
    { numRuns: 300 },
  )
})

test('what has no secret in it comes through as it is, whatever bytes it is of', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300), { maxLength: 5 }), (bytes, cuts) => {
      expect(redact(bytes, redactionOf({ A: 'sk_live_4242424242' }), cuts)).toBe(Buffer.from(bytes).toString())
    }),
    { numRuns: 100 },
  )
})

test('secrets within, after and across each other are taken out with no byte left of any', () => {
  const redaction = redactionOf({ OUTER: 'abcdefghijkl', INNER: 'cdefghij', NEXT: 'ijklmnopq' })
  expect(redact('-abcdefghijkl-', redaction)).toBe('-<OUTER>-')
  expect(redact('-abcdefghijklmnopq-', redaction)).toBe('-<OUTER>-')
  expect(redact('-abcdefghijkl-ijklmnopq-', redaction)).toBe('-<OUTER>-<NEXT>-')
  expect(redact('-abcdefghij-', redaction)).toBe('-ab<INNER>-')
  const periodic = redactionOf({ A: 'xyxyxyxyxy' })
  for (let cut = 0; cut < 40; cut += 1) expect(redact(`-${'xy'.repeat(20)}-`, periodic, [cut])).toBe('-<A>-')
})

test('a stream goes on at once where no secret can have begun', async () => {
  const pieces = ['data: 1\n\n', 'data: sk_li', 'fe\n\n', 'sk_live_42', '424242'].map((text) => Buffer.from(text))
  const source = redacted(
    { read: async () => pieces.shift(), cancel: () => undefined },
    redactionOf({ A: 'sk_live_42424242' }),
  )
  const out: string[] = []
  for (;;) {
    const next = await source.read()
    if (next === undefined) break
    out.push(next.toString())
  }
  expect(out).toEqual(['data: 1\n\n', 'data: ', 'sk_life\n\n', '<A>'])
})
