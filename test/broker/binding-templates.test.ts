import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fillTemplate, isFault, parseTemplate } from '../../src/core/binding.ts'
import { configSchema } from '../../src/functions/config.ts'

const fill = (text: string, roots: Record<string, unknown>): unknown => {
  const template = parseTemplate(text)
  return isFault(template) ? template : fillTemplate(template, roots)
}

test('placeholders take text, numbers, true and false from where they point', () => {
  const input = { id: 'o1', n: 0, ok: false, deep: { list: ['a'] } }
  expect(fill('orders/{input.id}-{input.n}-{input.ok}-{input.deep.list.0}/{runId}', { input, runId: 'r' })).toBe(
    'orders/o1-0-false-a/r',
  )
})

test.each([
  ['', 'must not be empty'],
  ['a{', 'has a "{" at character 2 that is not closed'],
  ['a}b', 'has a "}" at character 2 that closes nothing'],
  ['{}', 'has the placeholder {}, which is no path'],
  ['{secret.key}', 'has the placeholder {secret.key}, which is not known'],
  ['{input}', 'has the placeholder {input}: write a field'],
  ['{runId.x}', 'has the placeholder {runId.x}: write'],
  [`{input${'.a'.repeat(8)}}`, 'of 9 names; at most 8'],
])('the template %j is refused: it says what is wrong', (text, fault) => {
  expect(parseTemplate(text)).toEqual({ fault: expect.stringContaining(fault) })
})

test.each([
  [{}, 'missing'],
  [{ id: null }, 'null'],
  [{ id: '' }, 'empty'],
  [{ id: {} }, 'no text or number'],
])('%j has nothing for a placeholder', (input, fault) => {
  expect(fill('{input.id}', { input })).toEqual({ fault: `needs {input.id}, which is ${fault}` })
})

test('whatever a template is and whatever an input holds, nothing that an object inherits gets into it', () => {
  for (const path of ['toString', 'constructor.name', '__proto__']) {
    expect(fill(`{input.${path}}`, { input: {} })).toEqual({ fault: `needs {input.${path}}, which is missing` })
  }
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('{', '}', 'input.', '__proto__', 'toString', 'a') }),
      fc.jsonValue(),
      (text, input) => {
        const filled = fill(text, { input })
        if (typeof filled === 'string') expect(filled).not.toMatch(/native code|\[object/)
      },
    ),
    { numRuns: 200 },
  )
})

test.each([
  [{ a: {} }, 'must have one of docs, blob and queue'],
  [{ a: { docs: 'x/1', blob: 'y' } }, 'must have one of docs, blob and queue'],
  [{ a: { docs: '{input.c}/1' } }, 'docs must be the name of a collection, a slash and an id'],
  [{ a: { queue: 'jobs-{input.id}' } }, 'it has no placeholders'],
  [{ a: { queue: 'jobs', direction: 'in' } }, 'a queue is sent to'],
  [{ a: { blob: 'x', direction: 'out', required: true } }, 'required is for inputs'],
  [{ a: { docs: 'x/1', as: 'json' } }, 'as is for inputs from blobs'],
  [{ '1a': { blob: 'x' } }, 'its name must be'],
  [Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`b${n}`, { blob: 'x' }])), 'has 17 bindings; at most 16'],
])('a configuration that binds %j is refused', (bind, fault) => {
  expect(
    configSchema
      .safeParse({ bind })
      .error?.issues.map(({ message }) => message)
      .join(),
  ).toContain(fault)
})
