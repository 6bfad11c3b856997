import type { BilledLine, Bill } from './bill.ts'

/* A page of paper in black on white; nothing is loaded from anywhere, so it can be kept, mailed and printed. */
const STYLE = `
@page { size: A4; margin: 18mm }
body { font: 11pt/1.45 system-ui, sans-serif; color: #111; background: #fff; max-width: 180mm; margin: 2em auto; padding: 0 1em }
h1 { font-size: 18pt; margin: 0 0 .2em }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1em 1.2em; margin: 1em 0 1.5em }
dt { color: #555 } dd { margin: 0 }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .35em .5em; text-align: left; vertical-align: top; border-bottom: 1px solid #ccc }
th.n, td.n { text-align: right; white-space: nowrap }
tr { break-inside: avoid } thead { display: table-header-group }
tfoot td { font-weight: 600; border-bottom: 2px solid #111 }
p { color: #555; font-size: 9pt }
`

/** Whether a month can still change. */
export type BillKind = 'invoice' | 'preview'

/** A bill as one HTML page without scripts or anything to load, to be printed. The same bill makes the same bytes. */
export function billHtml(bill: Bill, kind: BillKind): string {
  const title = `${kind === 'invoice' ? 'Invoice' : 'Bill to date'} ${bill.period} – ${bill.tenant}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<dl>
<dt>Tenant</dt><dd>${escapeHtml(bill.tenant)}</dd>
<dt>Period</dt><dd>${dateOf(bill.from)} to before ${dateOf(bill.to)} (UTC)</dd>
<dt>Prices</dt><dd>${escapeHtml(`${bill.priceBook.name}, version ${bill.priceBook.version}`)}</dd>
<dt>Records</dt><dd>${bill.records}</dd>
</dl>
<table>
<thead><tr><th>Charge</th><th class="n">Quantity</th><th>Unit</th><th class="n">Unit price</th><th class="n">Amount, ${escapeHtml(bill.currency)}</th></tr></thead>
<tbody>
${bill.lines.map(rowOf).join('\n')}
</tbody>
<tfoot><tr><td colspan="4">Total</td><td class="n">${escapeHtml(bill.total)}</td></tr></tfoot>
</table>
<p>${escapeHtml(bill.rounding)}.</p>
</body>
</html>
`
}

function rowOf({ description, priceBook, quantity, unit, unitPrice, amount }: BilledLine): string {
  const name =
    priceBook === undefined ? description : `${description} (${priceBook.name}, version ${priceBook.version})`
  const cells = [`<td>${escapeHtml(name)}</td>`, number(quantity), `<td>${escapeHtml(unit)}</td>`, number(unitPrice)]
  return `<tr>${cells.join('')}${number(amount)}</tr>`
}

function number(text: string): string {
  return `<td class="n">${escapeHtml(text)}</td>`
}

function dateOf(iso: string): string {
  return escapeHtml(iso.slice(0, 10))
}

/** Names come from price books, which operators write: markup in them is text all the same. */
function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
