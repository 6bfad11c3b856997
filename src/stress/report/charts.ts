import type { StressResult } from '../result.ts'
import {
  BOX,
  drawArea,
  drawAxes,
  drawLine,
  frame,
  linear,
  logarithmic,
  round,
  showTime,
  thin,
  timeline,
} from './chart.ts'
import { Markup, html } from './html.ts'

/** More points than this are more than there are pixels. */
const POINTS_MAX = 600
/** Where the marks of attacks stand, under the axis. */
const MARKS = { top: BOX.bottom + 8, bottom: BOX.bottom + 24 } as const

/** How long quiet neighbours waited for an answer, over time, with a mark where each attack began. */
export function drawLatency(result: StressResult): Markup {
  const { latency, attackedFromMs } = result
  const x = timeline(result.durationMs, BOX.left, BOX.right)
  const values = latency.flatMap(({ p50Ms, maxMs }) => [p50Ms, maxMs])
  const y = logarithmic(Math.min(...values, 10), Math.max(...values, 10), BOX.bottom, BOX.top)
  const points = thin(latency, POINTS_MAX, ({ maxMs }) => maxMs)
  const middle = points.map(({ atMs, p50Ms }) => ({ x: x.place(atMs), y: y.place(p50Ms) }))
  const most = points.map(({ atMs, maxMs }) => ({ x: x.place(atMs), y: y.place(maxMs) }))
  return html`<figure>
    <figcaption>
      Quiet neighbours’ calls <small>from when a call was due to its whole answer, each half second; logarithmic</small>
    </figcaption>
    ${frame(
      'Latency of quiet neighbours over time',
      drawCalm(round(x.place(attackedFromMs))),
      drawAxes({ x, y, showX: showTime, showY: showTime }),
      drawArea(most, middle, 'var(--two)', 0.16),
      drawLine(most, 'var(--two)', 'stroke-width: 1.1'),
      drawLine(middle, 'var(--one)', 'stroke-width: 2'),
      drawMarks(result, x.place),
    )}
    <div class="legend">
      <span><i style="border-color: var(--one)"></i>the middle one (p50)</span>
      <span><i style="border-color: var(--two)"></i>the slowest one</span>
      <span><i style="border-color: var(--three)"></i>an attack begins</span>
      <span><i style="border-color: var(--bad)"></i>one that was not contained</span>
    </div>
  </figure>`
}

/** The stretch before the first attack, set apart. */
function drawCalm(until: number): Markup {
  return html`<rect
      x="${BOX.left}"
      y="${BOX.top}"
      width="${round(Math.max(0, until - BOX.left))}"
      height="${BOX.bottom - BOX.top}"
      fill="var(--good-soft)"
      opacity="0.7"
    /><text x="${BOX.left + 6}" y="${BOX.top + 14}">before</text>`
}

function drawMarks({ verdicts }: StressResult, place: (atMs: number) => number): Markup {
  const marks = verdicts.map(({ number, title, contained, startedMs }) => {
    const at = round(place(startedMs))
    const colour = contained ? 'var(--three)' : 'var(--bad)'
    const top = contained ? MARKS.top : BOX.top
    return html`<line
      x1="${at}"
      x2="${at}"
      y1="${top}"
      y2="${MARKS.bottom}"
      stroke="${colour}"
      stroke-width="${contained ? 0.9 : 1.4}"
      ><title>${number} ${title}</title></line
    >`
  })
  return html`${marks}`
}

/** Memory of the cells, over time. Nothing if they could not be seen. */
export function drawMemory(result: StressResult): Markup {
  if (result.memory.length === 0) return new Markup('')
  const x = timeline(result.durationMs, BOX.left, BOX.right)
  const sum = (point: (typeof result.memory)[number]): number => point.quietMb + point.blankMb + point.attackersMb
  const y = linear(Math.max(...result.memory.map(sum)), BOX.bottom, BOX.top)
  const points = thin(result.memory, POINTS_MAX, sum)
  const line = (height: (point: (typeof points)[number]) => number) =>
    points.map((point) => ({ x: x.place(point.atMs), y: y.place(height(point)) }))
  const floor = line(() => 0)
  const quiet = line(({ quietMb }) => quietMb)
  const blank = line(({ quietMb, blankMb }) => quietMb + blankMb)
  return html`<figure>
    <figcaption>
      Memory of the cells <small>what is each cell’s own, ten times a second; the areas stand on one another</small>
    </figcaption>
    ${frame(
      'Memory of cells over time',
      drawAxes({ x, y, showX: showTime, showY: (mb) => `${Math.round(mb)} MB` }),
      drawArea(line(sum), blank, 'var(--two)', 0.55),
      drawArea(blank, quiet, 'var(--three)', 0.5),
      drawArea(quiet, floor, 'var(--one)', 0.6),
      drawLine(
        line(({ largestMb }) => largestMb),
        'var(--four)',
        'stroke-width: 1.1',
      ),
      drawMarks(result, x.place),
    )}
    <div class="legend">
      <span><i class="area" style="background: var(--two)"></i>attackers</span>
      <span><i class="area" style="background: var(--three)"></i>blank cells</span>
      <span><i class="area" style="background: var(--one)"></i>quiet neighbours</span>
      <span><i style="border-color: var(--four)"></i>the largest cell</span>
    </div>
  </figure>`
}
