import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCloister } from '../../bench/conformance/peers/cloister.ts'
import { type TestResult, runTest } from '../../bench/conformance/run-test.ts'
import { compareResults, failedOnlyBy, passes, supersededIn } from '../../bench/conformance/score.ts'
import { findTests } from '../../bench/conformance/selection.ts'

/** A tree of tests with a harness that knows as much of the real one's as these need. */
const TREE = mkdtempSync(join(tmpdir(), 'cloister-conformance-'))

const FILES = {
  'resources/testharness.js': `
    let done
    const tests = []
    globalThis.add_completion_callback = (callback) => { done = callback }
    globalThis.timeout = () => done(tests, { status: 2 })
    globalThis.test = (body, name) => {
      let failure
      try { body() } catch (error) { failure = error.message }
      tests.push({ name, status: failure === undefined ? 0 : 1, message: failure ?? null })
    }
    Promise.resolve().then(() => done(tests, { status: 0 }))`,
  'area/helper.js': 'const shared = "…"',
  'area/a.any.js': [
    '// META: script=helper.js',
    '// META: variant=?one',
    '// META: variant=?two',
    'test(() => {}, shared + location.search)',
    'test(() => { throw new Error("no") }, "fails")',
  ].join('\n'),
  'area/b.any.js': 'new XMLHttpRequest()',
  'area/c.any.js': 'test(() => {}, "before"); throw new Error("broken")',
}

beforeAll(() => {
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(TREE, path)), { recursive: true })
    writeFileSync(join(TREE, path), text)
  }
})
afterAll(() => rmSync(TREE, { recursive: true, force: true }))

test('each variant of a test is run in a cell with the scripts that it asks for, and what breaks is a result', async () => {
  const tests = findTests(TREE, ['area'])
  expect(tests.map(({ id, skip }) => [id, skip])).toEqual([
    ['area/a.any.js?one', undefined],
    ['area/a.any.js?two', undefined],
    ['area/b.any.js', 'needs XMLHttpRequest'],
    ['area/c.any.js', undefined],
  ])
  await using cloister = await openCloister()
  const results: TestResult[] = []
  for (const each of tests.filter(({ skip }) => skip === undefined)) results.push(await runTest(TREE, each, cloister))
  expect(results).toMatchObject([
    {
      subtests: [
        { name: '…?one', status: 'pass' },
        { name: 'fails', status: 'fail', message: 'no' },
      ],
    },
    {
      subtests: [
        { name: '…?two', status: 'pass' },
        { name: 'fails', status: 'fail' },
      ],
    },
    { subtests: [], trouble: 'broken' },
  ])
})

test('a peer that never gets to a subtest fails it, and a file in which nobody finds any counts once', () => {
  const result = (peer: string, id: string, ...names: string[]): TestResult => ({
    peer,
    id,
    folder: 'area',
    ms: 1,
    subtests: names.map((name) => ({ name, status: 'pass' })),
  })
  const compared = compareResults([
    result('ours', 'a', 'one'),
    result('theirs', 'a', 'one', 'two'),
    result('ours', 'b'),
    result('theirs', 'b'),
  ])
  expect(compared).toHaveLength(3)
  expect(compared.filter((each) => passes(each, 'ours'))).toHaveLength(1)
  expect(failedOnlyBy('ours', ['ours', 'theirs'], compared).map(({ name }) => name)).toEqual(['two'])
})

test('a subtest that the standard has overtaken is counted for nobody, and said to be left out', () => {
  const subtests = ['ToASCII("xn--a") P4', 'ToASCII("ä.xn--a")', 'Parsing: <http://a/> without base'].map((name) => ({
    name,
    status: 'fail' as const,
    message: '',
  }))
  const results = ['url/IdnaTestV2.window.js', 'encoding/x.any.js'].map((id) => ({
    peer: 'ours',
    id,
    folder: id.slice(0, id.indexOf('/')),
    ms: 1,
    subtests,
  }))
  expect(compareResults(results).map(({ id, name }) => [id.slice(0, 3), name])).toEqual([
    ['url', 'ToASCII("ä.xn--a")'],
    ['url', 'Parsing: <http://a/> without base'],
    ['enc', 'ToASCII("xn--a") P4'],
    ['enc', 'ToASCII("ä.xn--a")'],
    ['enc', 'Parsing: <http://a/> without base'],
  ])
  expect([...supersededIn(results).values()]).toEqual([1])
})
