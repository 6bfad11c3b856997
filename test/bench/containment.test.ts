import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Cell, Comparison } from '../../bench/containment/compare.ts'
import { fill } from '../../bench/containment/documents.ts'
import { type Observation, type Secrets, describeVerdict, judge } from '../../bench/containment/judge.ts'
import { DEFAULT_PEERS } from '../../bench/containment/peers.ts'
import { CLASSES, type Program, type ProgramClass } from '../../bench/containment/program.ts'
import { PROGRAMS } from '../../bench/containment/programs.ts'
import { scoreOf } from '../../bench/containment/score.ts'
import { markdownOf, matrixOf, summaryOf } from '../../bench/containment/tables.ts'

const SECRETS: Secrets = { canary: 'a-canary', hostPath: '/srv/host/' }
const GOOD_RUN: Observation = {
  answeredMs: 510,
  ending: { kind: 'limit', text: 'deadline' },
  peakMb: 40,
  hostDied: false,
  answeredNext: true,
  burnsOn: false,
  polluted: false,
  marked: false,
}
const NO_ANSWER: Observation = {
  peakMb: 40,
  hostDied: false,
  answeredNext: false,
  burnsOn: false,
  polluted: false,
  marked: false,
}
const program = (of: ProgramClass, rest: Partial<Program> = {}): Program => ({
  name: 'p',
  class: of,
  does: '',
  code: '',
  ...rest,
})
const verdictOf = (seen: Partial<Observation>, of: Program = program('time')): string =>
  describeVerdict(judge(of, { ...GOOD_RUN, ...seen }, SECRETS))
const value = (text: string): Partial<Observation> => ({ ending: { kind: 'value', text } })

test('a run that ends in time, small, with the host alive, is contained', () => {
  expect(verdictOf({})).toBe('contained')
})

test('a run may end 300 ms after its limit and not later', () => {
  expect(verdictOf({ answeredMs: 800 })).toBe('contained')
  expect(verdictOf({ answeredMs: 1_900 })).toBe('1.4 s late')
})

test('a tree may take the allowance above the limit and no more', () => {
  expect(verdictOf({ peakMb: 128 })).toBe('contained')
  expect(verdictOf({ peakMb: 129 })).toBe('129 MB')
})

test('what the bench ended because of its size is judged by its size and not as a hang', () => {
  expect(describeVerdict(judge(program('memory'), { ...NO_ANSWER, peakMb: 2_100 }, SECRETS))).toBe('over 2048 MB')
})

test.each([
  ['hangs', NO_ANSWER],
  ['hangs (answers nobody else)', { ...GOOD_RUN, answeredNext: false }],
  ['hangs (burns on)', { ...GOOD_RUN, burnsOn: true }],
])('%s is told apart', (expected, seen) => {
  expect(describeVerdict(judge(program('time'), seen, SECRETS))).toBe(expected)
})

test('a dead host is worse than memory, hangs and lateness', () => {
  expect(verdictOf({ hostDied: true, answeredNext: false, peakMb: 3_000, answeredMs: 4_000 })).toBe('host died')
})

test('what was reached is worse than a dead host', () => {
  expect(verdictOf({ ...value('"a-canary"'), hostDied: true })).toBe('escaped: read a file of the host')
  expect(verdictOf({ marked: true })).toBe('escaped: wrote a file')
  expect(verdictOf({ polluted: true })).toBe("escaped: changed the host's Object.prototype")
})

test('an error that shows the file is an escape as well', () => {
  expect(verdictOf({ ending: { kind: 'error', text: 'Error: a-canary' } })).toBe('escaped: read a file of the host')
})

test('a path of the host or the data of another run in the value is a leak', () => {
  expect(verdictOf(value('"at /srv/host/x.ts:1:2"'), program('boundary'))).toBe('leaked: a path of the host')
  expect(verdictOf(value('"LEFTOVER"'), program('leak'))).toBe("leaked: another run's data")
})

test('a clock leaks below 100 µs, and one that stands still does not', () => {
  const clock = program('clock')
  expect(verdictOf(value('{"stepUs":1000}'), clock)).toBe('contained')
  expect(verdictOf(value('{"stepUs":null}'), clock)).toBe('contained')
  expect(verdictOf(value('{"stepUs":5}'), clock)).toBe('leaked: a clock of 5 µs')
  expect(verdictOf(value('{"stepUs":0.9}'), clock)).toBe('leaked: a clock of less than 1 µs')
})

test('ordinary work must have the right value', () => {
  const control = program('control', { expected: '42' })
  expect(verdictOf(value('42'), control)).toBe('works')
  expect(verdictOf(value('41'), control)).toBe('wrong: value: 41')
  expect(verdictOf({}, control)).toBe('wrong: limit: deadline')
})

const cell = (rest: Partial<Cell>): Cell => ({
  peer: 'a',
  program: 'p',
  class: 'time',
  verdict: { kind: 'contained' },
  answeredMs: 500,
  peakMb: 10,
  ...rest,
})
const comparison = (cells: readonly Cell[]): Comparison => ({ versions: { a: '1.0' }, cells })

test('a score counts good verdicts among what the engine offers', () => {
  const score = scoreOf(
    comparison([
      cell({}),
      cell({ verdict: { kind: 'late', lateMs: 900 }, answeredMs: 1_400, peakMb: 90 }),
      cell({ verdict: { kind: 'not offered' } }),
      cell({ peer: 'another' }),
    ]),
    'a',
  )
  expect(score.classes.time).toEqual({ good: 1, offered: 2 })
  expect(score).toMatchObject({ offered: 2, hostAlive: 2, worstMemoryMb: 90, worstLateMs: 900 })
})

test('a host that burns on is alive, one that is silent or gone is not, and nothing that hangs has an end', () => {
  const score = scoreOf(
    comparison([
      cell({ verdict: { kind: 'hangs', how: 'burns on' } }),
      cell({ verdict: { kind: 'hangs', how: 'no answer' } }),
      cell({ verdict: { kind: 'host died' } }),
    ]),
    'a',
  )
  expect(score).toMatchObject({ offered: 3, hostAlive: 1, worstLateMs: 'never' })
})

test('the tables have a column a peer, and the summary a row a class', () => {
  const cells = PROGRAMS.map(({ name, class: of }) => cell({ program: name, class: of }))
  const summary = summaryOf(comparison(cells))
  expect(summary[0]).toEqual(['programs that', 'a (1.0)'])
  expect(summary).toHaveLength(1 + Object.keys(CLASSES).length + 3)
  expect(matrixOf(comparison(cells))).toHaveLength(1 + PROGRAMS.length)
  expect(
    markdownOf([
      ['a', 'b'],
      ['x|y', 'z'],
    ]),
  ).toBe('| a | b |\n| --- | --- |\n| x\\|y | z |')
})

test('a table goes between its markers, and a document without them is refused', () => {
  expect(fill('a <!-- t -->old<!-- /t --> b', 't', 'new')).toBe('a <!-- t -->\n\nnew\n\n<!-- /t --> b')
  expect(() => fill('nothing here', 't', 'new')).toThrow('no place for the table "t"')
})

test('programs have names of their own, and ordinary ones say what they return', () => {
  expect(new Set(PROGRAMS.map(({ name }) => name)).size).toBe(PROGRAMS.length)
  for (const { class: of, expected } of PROGRAMS) expect(expected !== undefined).toBe(of === 'control')
})

test.each(['README.md', 'bench/containment/README.md'])(
  'the summary in %s, if there is one, has every peer and class',
  (file) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    const table = /<!-- containment -->([\s\S]*?)<!-- \/containment -->/.exec(text)?.[1]
    expect(table).toBeDefined()
    // Figures of a busy machine are not written down: until there are others, the place is empty.
    if (table?.trim() === '') return
    for (const { name } of DEFAULT_PEERS) expect(table).toContain(`${name} (`)
    for (const name of Object.keys(CLASSES)) expect(table).toMatch(new RegExp(`^\\| ${name}: `, 'm'))
  },
)
