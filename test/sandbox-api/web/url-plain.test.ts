import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPlainUrl } from '../../../sandbox-api/web/url-plain.ts'

test('a text that is taken for its own href without a parser is what the parser makes of it', () => {
  const pieces = [
    'http',
    's',
    '://',
    '/',
    '//',
    '.',
    '..',
    '%2E',
    ':',
    ':8080',
    ':80',
    ':443',
    '@',
    '?',
    '#',
    'a',
    'b-c',
  ]
  const odd = [
    'xn--',
    'XN--a',
    '0',
    '1',
    '0x',
    '0x1f',
    'A',
    "'",
    '"',
    ' ',
    '\\',
    '|',
    '^',
    '`',
    '{',
    '%',
    '[',
    '\t',
    'é',
    '_',
  ]
  const text = fc
    .array(fc.constantFrom(...pieces, ...odd), { maxLength: 12 })
    .map((parts) => `http://${parts.join('')}`)
  let plain = 0
  fc.assert(
    fc.property(fc.oneof(text, fc.webUrl({ withFragments: true, withQueryParameters: true })), (url) => {
      if (!isPlainUrl(url)) return
      plain += 1
      expect(URL.parse(url)?.href).toBe(url)
    }),
    { numRuns: 20_000 },
  )
  expect(plain).toBeGreaterThan(500)
})

test('the addresses that most code asks for are plain', () => {
  for (const url of [
    'https://example.com/',
    'https://api.example.com/v1/items/12?limit=5&sort=-name',
    'http://localhost:8080/a#b',
  ]) {
    expect(isPlainUrl(url)).toBe(true)
  }
})
