import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Finding, keepsTarget } from './finding.ts'
import { RESULTS_DIRECTORY, type Results } from './results.ts'
import { spreadOf } from './statistics.ts'
import { shown } from './table.ts'

const BAR_WIDTH = 420
const ROW_HEIGHT = 26
const LABEL_WIDTH = 300
const VALUE_WIDTH = 230

const STYLE = `
  :root { color-scheme: light dark; --bar: #3b6ea8; --whisker: #222; --muted: #666; --kept: #2d7a3e; --missed: #b3362b }
  @media (prefers-color-scheme: dark) { :root { --bar: #6fa3dc; --whisker: #ddd; --muted: #999; --kept: #6cc07f; --missed: #ef7c72 } }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
  h1, h2 { font-weight: 600 } h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; font-weight: 600 }
  p { max-width: 46rem } .muted { color: var(--muted) }
  svg { display: block; max-width: 100%; height: auto } text { font: 13px system-ui, sans-serif; fill: currentColor }
  rect { fill: var(--bar) } .whisker { stroke: var(--whisker); stroke-width: 1.5 } .target { stroke: var(--muted); stroke-dasharray: 4 3 }
  .kept { fill: var(--kept) } .missed { fill: var(--missed) }`

/** Writes the results as one page that needs nothing else, and gives back its path. */
export function writeReport(results: Results): string {
  const file = join(RESULTS_DIRECTORY, 'report.html')
  writeFileSync(file, pageOf(results))
  return file
}

function pageOf({ circumstances, measures }: Results): string {
  const { at, commit, node, kernel, processor, cores, memoryMb, effort } = circumstances
  const machine = `${processor}, ${cores} cores, ${shown(memoryMb / 1_024)} GiB, Linux ${kernel}, Node ${node}`
  const sections = [...measures].map(
    ([name, { about, findings }]) => `<h2>${escaped(name)}</h2><p>${escaped(about)}</p>${chartsOf(findings)}`,
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Cloister: benchmarks</title><style>${STYLE}</style>
<h1>Benchmarks of Cloister</h1>
<p class="muted">${escaped(`${at}, commit ${commit}. ${machine}. ${effort.rounds} rounds.`)}</p>
<p>Bars are medians of the rounds, whiskers the least and the greatest. Subjects of a chart were measured by turns in one
run; compare within a chart, not with another machine.</p>
${sections.join('\n')}</html>
`
}

function chartsOf(findings: readonly Finding[]): string {
  const charts = Map.groupBy(findings, ({ metric, unit }) => `${metric}\n${unit}`)
  return [...charts.values()].map(chartOf).join('\n')
}

function chartOf(findings: readonly Finding[]): string {
  const [first] = findings
  if (first === undefined) return ''
  const most = Math.max(...findings.flatMap(({ rounds, target }) => [...rounds, target?.value ?? 0]))
  const scale = most > 0 ? BAR_WIDTH / most : 0
  const height = findings.length * ROW_HEIGHT
  const rows = findings.map((finding, index) => rowOf(finding, index * ROW_HEIGHT, scale)).join('')
  const title = escaped(`${first.metric}${first.unit === '' ? '' : `, ${first.unit}`}`)
  const width = LABEL_WIDTH + BAR_WIDTH + VALUE_WIDTH
  return `<h3>${title}</h3><svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${title}">${rows}</svg>`
}

function rowOf({ subject, rounds, unit, target }: Finding, top: number, scale: number): string {
  const { min, median, max } = spreadOf(rounds)
  const middle = top + ROW_HEIGHT / 2
  const x = (value: number): string => (LABEL_WIDTH + value * scale).toFixed(1)
  const verdict = keepsTarget(median, target)
  const wanted = target === undefined ? '' : `, target ${target.bound} ${target.value}`
  const tone = verdict === undefined ? '' : verdict ? ' class="kept"' : ' class="missed"'
  return [
    `<text x="${LABEL_WIDTH - 10}" y="${middle + 4}" text-anchor="end">${escaped(subject)}</text>`,
    `<rect x="${LABEL_WIDTH}" y="${top + 5}" width="${(median * scale).toFixed(1)}" height="${ROW_HEIGHT - 10}" rx="2"/>`,
    `<line class="whisker" x1="${x(min)}" x2="${x(max)}" y1="${middle}" y2="${middle}"/>`,
    target === undefined
      ? ''
      : `<line class="target" x1="${x(target.value)}" x2="${x(target.value)}" y1="${top}" y2="${top + ROW_HEIGHT}"/>`,
    `<text x="${LABEL_WIDTH + Math.max(median, max) * scale + 8}" y="${middle + 4}"${tone}>${shown(median)} ${unit}${wanted}</text>`,
  ].join('')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
