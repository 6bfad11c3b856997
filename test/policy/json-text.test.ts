import fc from 'fast-check'
import { expect, test } from 'vitest'
import { POLICY_TEXT_MAX, readJsonText } from '../../src/policy/json-text.ts'
import { checkPolicyText } from '../../src/policy/load.ts'

const faultsOf = (text: string) => {
  const read = readJsonText(text)
  return 'faults' in read ? read.faults : []
}

test.each([
  ['{\n  "limits": {\n    "wallMs": x\n  }\n}', 'limits.wallMs', 'line 3, column 15: expected a value, found "x"'],
  ['{"walls": "os",}', '$', 'line 1, column 16: expected a field name in double quotes, found "}"'],
  ['{"a": [1 2]}', 'a', 'line 1, column 10: expected "," or "]", found "2"'],
  ['{"a": 01}', '$', 'line 1, column 8: expected "," or "}", found "1"'],
  ['{"a" 1}', 'a', 'line 1, column 6: expected ":", found "1"'],
  ['{"a": "b\nc"}', 'a', 'line 1, column 9: expected the rest of the string, found "\\n"'],
  ['{"a": "\\x"}', 'a', 'line 1, column 8: expected the rest of the string, found "\\\\"'],
  ['{} {}', '$', 'line 1, column 4: expected the end, found "{"'],
  ['{\r\n"a": ', 'a', 'line 2, column 6: expected a value, found the end'],
  ['', '$', 'line 1, column 1: expected a value, found the end'],
])('the syntax error of %j has its line and column', (text, path, message) => {
  expect(faultsOf(text)).toEqual([{ path, message }])
})

test('a field that is written twice is a fault at its second place', () => {
  expect(faultsOf('{"limits": {"wallMs": 1,\n "wallMs": 2}}')).toEqual([
    { path: 'limits.wallMs', message: 'line 2, column 2: is written twice' },
  ])
})

test('text that is too long or too deep is a fault', () => {
  expect(faultsOf(' '.repeat(POLICY_TEXT_MAX + 1))).toEqual([
    { path: '$', message: `is ${POLICY_TEXT_MAX + 1} characters long; at most ${POLICY_TEXT_MAX}` },
  ])
  expect(faultsOf('['.repeat(POLICY_TEXT_MAX))[0]?.message).toBe('line 1, column 33: is nested deeper than 32')
})

test('the longest string there can be is read', () => {
  const text = JSON.stringify('\\'.repeat(POLICY_TEXT_MAX / 2 - 1))
  expect(readJsonText(text)).toEqual({ value: JSON.parse(text) })
})

test('a text of a hundred thousand fields of one name is refused at once', () => {
  expect(faultsOf(`{${'"":0,'.repeat(50_000)}"":0}`)).toHaveLength(100)
})

test('checking a text never throws and says where it is wrong', () => {
  expect(checkPolicyText('{"limits": {"wallMs": -0.5}}')).toEqual({
    faults: [{ path: 'limits.wallMs', message: 'must be a whole number from 1 to 900000, not -0.5' }],
  })
  expect(checkPolicyText('nonsense')).toEqual({
    faults: [{ path: '$', message: 'line 1, column 1: expected a value, found "n"' }],
  })
})

test('it accepts what JSON.parse accepts, to the letter, but for fields written twice', () => {
  const json = fc.json({ maxDepth: 5, stringUnit: 'binary' })
  const spaced = fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.stringify(value, null, '\t'))
  // One character more, less or other is what a slip of the hand does.
  const slips = fc
    .tuple(json, fc.nat(), fc.nat({ max: 1 }), fc.constantFrom('', ...'{}[]":,\\ 0-+.eEtfnu\u0000\u2028\n'))
    .map(([text, seed, cut, add]) => {
      const at = seed % (text.length + 1)
      return text.slice(0, at) + add + text.slice(at + cut)
    })
  fc.assert(
    fc.property(fc.oneof(json, spaced, slips, fc.string()), (text) => {
      const read = readJsonText(text)
      const twice = 'faults' in read && read.faults.every(({ message }) => message.endsWith('is written twice'))
      if (twice) return
      expect('value' in read ? read : undefined).toEqual(parsed(text))
    }),
    { numRuns: 2000 },
  )
})

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}
