import Handlebars from 'handlebars'
import { marked } from 'marked'
import template from './invoice.hbs'

/** What the caller sends. Prices are in cents, so that sums are exact. */
interface Invoice {
  readonly number: string
  /** YYYY-MM-DD. */
  readonly issued: string
  readonly due: string
  readonly currency: string
  readonly locale: string
  readonly seller: Party
  readonly buyer: Party
  readonly lines: readonly Line[]
  /** Markdown, by the seller. */
  readonly terms: string
}

interface Party {
  readonly name: string
  readonly address: readonly string[]
  readonly vatId: string
}

interface Line {
  readonly description: string
  readonly quantity: number
  readonly unit: string
  readonly unitCents: number
  readonly vatPercent: number
}

// Compiled with the module: an isolate that is kept compiles it once, not once a run.
const render = Handlebars.compile<object>(template)

/** Renders an invoice as HTML and returns it with the sums that are in it. */
export default function (invoice: Invoice): { html: string; netCents: number; vatCents: number; totalCents: number } {
  const { locale, currency } = invoice
  const money = new Intl.NumberFormat(locale, { style: 'currency', currency })
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' })
  const show = (cents: number): string => money.format(cents / 100)
  const lines = invoice.lines.map((line) => ({ ...line, netCents: Math.round(line.quantity * line.unitCents) }))
  const rates = [...Map.groupBy(lines, (line) => line.vatPercent)]
    .toSorted(([left], [right]) => left - right)
    .map(([percent, taxed]) => {
      const netCents = sum(taxed.map((line) => line.netCents))
      return { percent, netCents, vatCents: Math.round((netCents * percent) / 100) }
    })
  const netCents = sum(lines.map((line) => line.netCents))
  const vatCents = sum(rates.map((rate) => rate.vatCents))
  console.info('invoice %s: %d lines', invoice.number, lines.length)
  const html = render({
    ...invoice,
    issued: day.format(new Date(invoice.issued)),
    due: day.format(new Date(invoice.due)),
    lines: lines.map((line) => ({ ...line, price: show(line.unitCents), net: show(line.netCents) })),
    rates: rates.map((rate) => ({ ...rate, net: show(rate.netCents), vat: show(rate.vatCents) })),
    net: show(netCents),
    total: show(netCents + vatCents),
    terms: marked.parse(invoice.terms),
  })
  return { html, netCents, vatCents, totalCents: netCents + vatCents }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
