import fc from 'fast-check'
import { expect, test } from 'vitest'
import { at, extractResult, indentJson, listAt, numberAt, printJson, textAt } from '../../src/cli/json.ts'
import { captureScreen } from './screen.ts'

test('fields that are not there are absent, whatever stands in their place', () => {
  for (const value of [undefined, null, 1, 'text', [], {}]) expect(at(value, 'usage', 'wallMs')).toBeUndefined()
  expect(at({ usage: { wallMs: 1 } }, 'usage', 'wallMs')).toBe(1)
  expect(at({}, 'toString')).toBeUndefined()
  expect(textAt({ a: {} }, 'a')).toBeUndefined()
  expect(listAt({ a: 'text' }, 'a')).toEqual([])
})

test('numbers are read from numbers and from text, never from anything else', () => {
  expect(numberAt({ a: 12.5 }, 'a')).toBe(12.5)
  expect(numberAt({ a: '12' }, 'a')).toBe(12)
  for (const a of ['', ' ', 'x', null, [], {}]) expect(numberAt({ a }, 'a')).toBeUndefined()
})

test('the result is handed on with every digit it came with', () => {
  expect(extractResult('{"status":"ok","result":{"n":12345678901234567890,"x":1.50}}')).toBe(
    '{"n":12345678901234567890,"x":1.50}',
  )
  expect(extractResult('{"status":"ok","result":0}')).toBe('0')
  expect(extractResult('{"status":"ok"}')).toBe('null')
})

test('any JSON comes through extraction and indentation unchanged in meaning', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(JSON.parse(extractResult(`{"result":${text}}`))).toEqual(JSON.parse(text))
      expect(JSON.parse(indentJson(text))).toEqual(JSON.parse(text))
    }),
  )
})

test('JSON is one line for programs, and indented with nothing a terminal obeys for people', () => {
  const pipe = captureScreen()
  printJson(pipe, '{"a":1}')
  expect(pipe.text()).toBe('{"a":1}\n')
  const terminal = captureScreen('terminal')
  printJson(terminal, JSON.stringify({ a: '\u009b2J' }))
  expect(terminal.text()).toBe('{\n  "a": "\\u009b2J"\n}\n')
})
