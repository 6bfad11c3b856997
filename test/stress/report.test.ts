import { expect, test } from 'vitest'
import { escapeHtml, html } from '../../src/stress/report/html.ts'
import { renderReport } from '../../src/stress/report/page.ts'
import type { StressResult } from '../../src/stress/result.ts'
import { total } from '../../src/stress/result.ts'
import type { Verdict } from '../../src/stress/strike.ts'

const EVIL = `</td><script>alert(1)</script><img src=x onerror='alert("2")'>&\u001b[2J\u202e`

const VERDICT: Verdict = {
  number: 'A-20',
  class: 'memory',
  title: EVIL,
  contained: false,
  faults: [EVIL],
  endings: [EVIL],
  stoppedBy: 'kill',
  runs: 1,
  lateMs: 12,
  peakMemoryMb: 99,
  memoryLimitMb: 64,
  startedMs: 600,
  endedMs: 900,
}

const RESULT: StressResult = {
  passed: false,
  cut: false,
  setting: { target: 'own', walls: EVIL, seed: 1, rounds: 1, concurrency: 2, startedAt: '2026-01-01T00:00:00.000Z' },
  durationMs: 2_000,
  totals: total([VERDICT]),
  quiet: {
    tenants: 3,
    before: { count: 1, p50Ms: 1, p99Ms: 2, maxMs: 3 },
    attacked: { count: 1, p50Ms: 1, p99Ms: 2, maxMs: 3 },
    faults: [{ fault: EVIL, count: 1 }],
    leaks: 1,
  },
  ledger: { tenants: 1, records: 1, verified: 0, faults: [EVIL] },
  host: { faults: [EVIL] },
  verdicts: [VERDICT],
  attackedFromMs: 500,
  latency: [{ atMs: 0, p50Ms: 1, maxMs: 2 }],
  memory: [{ atMs: 0, quietMb: 1, attackersMb: 2, blankMb: 3, largestMb: 2, cells: 3 }],
}

test('nothing that an attack or a server said becomes markup in the report', () => {
  const page = renderReport(RESULT)
  for (const text of ['<script', '<img', `onerror='`, '\u001b', '\u202e']) expect(page.includes(text)).toBe(false)
  expect(page.split('&lt;script&gt;').length).toBeGreaterThan(6)
})

test('the report needs nothing but itself, and draws both charts', () => {
  const page = renderReport(RESULT)
  expect(page).not.toMatch(/https?:\/\/|<[a-z]+ [^>]*src=|url\(|@import/)
  expect(page.match(/<svg /g)).toHaveLength(2)
  expect(page).not.toMatch(/NaN|Infinity|undefined/)
})

test('cells that cannot be seen have no chart, and an empty test has a report, too', () => {
  expect(renderReport({ ...RESULT, memory: [] }).match(/<svg /g)).toHaveLength(1)
  const empty = renderReport({ ...RESULT, verdicts: [], latency: [], memory: [], totals: total([]) })
  expect(empty).not.toMatch(/NaN|Infinity|undefined/)
})

test('markup is put in as it is, all else is escaped', () => {
  expect(html`<b title="${'"'}">${html`<i>${'<'}</i>`}${[html`1`, html`2`]}</b>`.text).toBe(
    '<b title="&quot;"><i>&lt;</i>12</b>',
  )
  expect(escapeHtml(`a&b<c>"d'`)).toBe('a&amp;b&lt;c&gt;&quot;d&#39;')
})
