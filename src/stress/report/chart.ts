import { Markup, html } from './html.ts'

/** A point in a chart. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** How values become places. */
export interface Scale {
  readonly place: (value: number) => number
  readonly ticks: readonly number[]
}

/** Where a chart draws, in units of its view box. */
export const BOX = { width: 1_000, height: 270, left: 58, right: 976, top: 12, bottom: 214 } as const

/** Even steps from 0 to at least `most`, between two places. */
export function linear(most: number, from: number, to: number): Scale {
  const step = niceStep(most / 5)
  const top = Math.max(step, Math.ceil(most / step) * step)
  const count = Math.round(top / step)
  return {
    place: (value) => from + (Math.min(value, top) / top) * (to - from),
    ticks: Array.from({ length: count + 1 }, (_, index) => index * step),
  }
}

/** A length of time from end to end, between two places, with a tick at even steps. */
export function timeline(lengthMs: number, from: number, to: number): Scale {
  const step = niceStep(lengthMs / 1_000 / 8) * 1_000
  const count = Math.floor(lengthMs / step)
  return {
    place: (ms) => from + (Math.min(ms, lengthMs) / Math.max(lengthMs, 1)) * (to - from),
    ticks: Array.from({ length: count + 1 }, (_, index) => index * step),
  }
}

/** Powers of ten around the values, between two places. */
export function logarithmic(least: number, most: number, from: number, to: number): Scale {
  const low = Math.floor(Math.log10(Math.max(least, 0.1)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(most, 0.1))))
  return {
    place: (value) => {
      const share = (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)
      return from + Math.min(1, share) * (to - from)
    },
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
  }
}

function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-9)))
  return ([1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10) * power
}

interface Axes {
  readonly x: Scale
  readonly y: Scale
  readonly showX: (value: number) => string
  readonly showY: (value: number) => string
}

/** Grid, axes and their labels. */
export function drawAxes({ x, y, showX, showY }: Axes): Markup {
  const rows = y.ticks.map((tick) => {
    const at = round(y.place(tick))
    return html`<line x1="${BOX.left}" x2="${BOX.right}" y1="${at}" y2="${at}" stroke="var(--grid)" /><text
        x="${BOX.left - 8}"
        y="${at + 4}"
        text-anchor="end"
        >${showY(tick)}</text
      >`
  })
  const columns = x.ticks.map((tick) => {
    return html`<text x="${round(x.place(tick))}" y="${BOX.height - 8}" text-anchor="middle">${showX(tick)}</text>`
  })
  return html`${rows}${columns}<line
      x1="${BOX.left}"
      x2="${BOX.right}"
      y1="${BOX.bottom}"
      y2="${BOX.bottom}"
      stroke="var(--line)"
    />`
}

/** 0.42 → `0.4 ms`, 63.9 → `64 ms`, 12500 → `12.5 s`. */
export function showTime(ms: number): string {
  if (ms >= 1_000) return `${Number((ms / 1_000).toFixed(1))} s`
  return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`
}

/** A line through points. */
export function drawLine(points: readonly Point[], colour: string, style = ''): Markup {
  if (points.length === 0) return new Markup('')
  return html`<polyline
    fill="none"
    stroke="${colour}"
    stroke-width="1.6"
    stroke-linejoin="round"
    style="${style}"
    points="${pathOf(points)}"
  />`
}

/** The area between two lines over the same places. */
export function drawArea(upper: readonly Point[], lower: readonly Point[], colour: string, opacity: number): Markup {
  if (upper.length === 0) return new Markup('')
  return html`<polygon fill="${colour}" opacity="${opacity}" points="${pathOf([...upper, ...lower.toReversed()])}" />`
}

function pathOf(points: readonly Point[]): string {
  return points.map(({ x, y }) => `${round(x)},${round(y)}`).join(' ')
}

/** A tenth of a unit is less than a pixel. */
export function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** At most so many points, each with the highest of those it stands for. */
export function thin<Item>(items: readonly Item[], count: number, height: (item: Item) => number): readonly Item[] {
  if (items.length <= count) return items
  const groups = Map.groupBy(items, (_, index) => Math.floor((index * count) / items.length))
  return [...groups.values()].map((group) => group.reduce((best, one) => (height(one) > height(best) ? one : best)))
}

/** An SVG of the chart's size with a name for those who cannot see it. */
export function frame(label: string, ...content: readonly Markup[]): Markup {
  return html`<svg viewBox="0 0 ${BOX.width} ${BOX.height}" role="img" aria-label="${label}">${content}</svg>`
}
