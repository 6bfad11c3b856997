import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AddressRefused, approvedAddress } from '../../src/broker/sql/address.ts'
import { parseArrayText } from '../../src/broker/sql/array-text.ts'
import { parametersOf } from '../../src/broker/sql/parameters.ts'
import { firstWords } from '../../src/broker/sql/statement.ts'
import { readTarget } from '../../src/broker/sql/target.ts'
import { valueJson } from '../../src/broker/sql/values.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((given) => !given.includes('\0'))

test('a list becomes an array of SQL, from which the same list is read', () => {
  const list = fc.array(fc.option(text), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(list, fc.array(list, { minLength: 1, maxLength: 3 }), (flat, nested) => {
      for (const given of [flat, nested]) {
        const [written] = parametersOf([given], 1e6)
        expect(parseArrayText(written ?? '')).toEqual(given)
      }
    }),
    { numRuns: 200 },
  )
})

test('no text of a server makes anything but JSON, whatever type it claims', () => {
  const oids = [16, 17, 20, 21, 23, 25, 114, 700, 701, 1000, 1007, 1082, 1114, 1184, 1231, 1700, 3802, 3807, 99_999]
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom(
      '{',
      '{}',
      '{{}',
      '"}',
      '{"a',
      String.raw`{"a\"}`,
      '[1:2]={1,2}',
      '1e999',
      '0x10',
      '-0',
      '',
      '\\x0',
      '\\xff',
    ),
    fc.json(),
  )
  fc.assert(
    fc.property(hostile, fc.constantFrom(...oids), (given, oid) => {
      expect(() => JSON.parse(valueJson(given, oid))).not.toThrow()
    }),
    { numRuns: 300 },
  )
})

test('the first words of a statement are found behind any comments and spaces', () => {
  const comment = fc.oneof(
    fc.constantFrom(' ', '\n', '\t', '\f', '/**/', '/* /* x */ copy */', '-- copy */\n', ';', ';;'),
    text.map((given) => `/*${given.replaceAll(/[*/]/g, '')}*/`),
  )
  fc.assert(
    fc.property(fc.array(comment, { maxLength: 6 }), fc.constantFrom('COPY', 'commit', 'Begin'), (before, word) => {
      expect(firstWords(`${before.join('')}${word} x`)[0]).toBe(word.toLowerCase())
    }),
    { numRuns: 300 },
  )
  expect(firstWords('/* never closed COPY')).toEqual([])
  expect(firstWords('rollback /**/ to x')).toEqual(['rollback', 'to'])
})

describe('the URL of a database', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(text, text, text, fc.integer({ min: 1, max: 65_535 }), (user, password, database, port) => {
        const [u, p, d] = [`u${user}`, password, `d${database}`].map((part) => encodeURIComponent(part.toWellFormed()))
        const read = readTarget(`postgres://${u}:${p}@db.example.com:${port}/${d}?sslmode=require`)
        expect(read).toEqual({
          target: {
            host: 'db.example.com',
            port,
            user: `u${user.toWellFormed()}`,
            password: password.toWellFormed(),
            database: `d${database.toWellFormed()}`,
            tls: 'require',
          },
        })
      }),
      { numRuns: 100 },
    )
  })

  test.each([
    ['nonsense', 'is not a URL'],
    ['https://u:p@h/d', 'must start with postgres://'],
    ['postgres://u:p@h/', 'must name a database'],
    ['postgres://h/d', 'must name a user'],
    ['postgres:///d', 'must name a host'],
    ['postgres://u:p@%2Fvar%2Frun/d', 'must name a host'],
    ['postgres://u:p@h/d?sslrootcert=/etc/passwd', 'a parameter that is not known'],
    ['postgres://u:p@h/d?options=-c%20x', 'a parameter that is not known'],
    ['postgres://u:p@h/d?sslmode=disable&sslmode=require', 'has sslmode twice'],
    ['postgres://u:p@h/d#x', 'a # that is not escaped'],
    ['postgres://u:p%00@h/d', 'a NUL'],
    [`postgres://u:p@h/${'d'.repeat(2_048)}`, 'at most 2048 are allowed'],
  ])('%j is refused', (url, fault) => {
    const read = readTarget(url)
    expect('faults' in read ? read.faults.join('; ') : '').toContain(fault)
  })

  test('says nothing of a password in any fault', () => {
    fc.assert(
      fc.property(fc.webUrl(), fc.string({ unit: 'grapheme-ascii', maxLength: 60 }), (url, tail) => {
        const read = readTarget(`${url.replace('://', '://user:s3cr3t-s3cr3t@')}${tail}`)
        if ('faults' in read) expect(read.faults.join()).not.toContain('s3cr3t')
      }),
      { numRuns: 100 },
    )
  })
})

test.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '::1', '::ffff:10.0.0.1', 'localhost'])(
  'a tenant cannot bind %s, and the operator can',
  async (host) => {
    await expect(approvedAddress(host, 'tenant')).rejects.toBeInstanceOf(AddressRefused)
    expect(await approvedAddress(host, 'operator')).toMatch(/[.:]/)
  },
)
