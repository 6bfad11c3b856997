/**
 * Makes the orders that the example reads: `node examples/csv-to-json/orders.ts` prints its input, a JSON object with CSV
 * in it as a shop would export it. The same seed always makes the same orders.
 */
export interface Order {
  readonly id: string
  readonly placedAt: string
  readonly customer: string
  readonly country: string
  readonly product: string
  readonly quantity: number
  readonly unitPrice: number
  readonly giftWrap: boolean
  /** null if the customer wrote none. */
  readonly note: string | null
}

const CUSTOMERS = ['Åsa Lindqvist', 'O’Brien, Maeve', 'Bob "Bobby" Tables', '山田 花子', 'Łukasz Żak', 'D. de la Cruz']
const COUNTRIES = ['SE', 'IE', 'US', 'JP', 'PL', 'ES', 'DE']
const PRODUCTS = [
  'Mug, enamel, 350 ml',
  'Poster 50×70 cm',
  'Notebook "Ledger" A5',
  'Lamp; brass',
  'Tea\ttin',
  'Gift card',
]
const NOTES = [
  null,
  null,
  'Please ring twice',
  'Leave at no. 7,\nnot at no. 9',
  'He said "no bag", so no bag',
  '=2+5',
  ' early, please ',
  '“, ”;\r\nthanks! 🎁',
]
const START = Date.UTC(2026, 0, 1)

export function makeOrders(count: number, seed = 1): readonly Order[] {
  const next = createRandom(seed)
  const pick = <Item>(items: readonly Item[]): Item => items[next(items.length)] as Item
  return Array.from({ length: count }, (_, index) => ({
    id: `A-${String(100_000 + index)}`,
    placedAt: new Date(START + index * 617_000 + next(600) * 1_000).toISOString(),
    customer: pick(CUSTOMERS),
    country: pick(COUNTRIES),
    product: pick(PRODUCTS),
    quantity: 1 + next(12),
    unitPrice: (199 + next(9_800)) / 100,
    giftWrap: next(4) === 0,
    note: pick(NOTES),
  }))
}

/** Orders as CSV (RFC 4180): a header, CRLF, and quotes around whatever needs them. */
export function toCsv(orders: readonly Order[]): string {
  const header = 'Order ID,Placed at,Customer,Country,Product,Quantity,Unit price,Gift wrap,Note'
  const rows = orders.map((order) => {
    const { id, placedAt, customer, country, product, quantity, unitPrice, giftWrap, note } = order
    const fields = [id, placedAt, customer, country, product, quantity, unitPrice.toFixed(2), giftWrap, note ?? '']
    return fields.map(quote).join(',')
  })
  return [header, ...rows, ''].join('\r\n')
}

function quote(value: string | number | boolean): string {
  const text = String(value)
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A linear congruential generator (Numerical Recipes): good enough for test data, and the same everywhere. */
function createRandom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

if (import.meta.main) {
  const count = Number(process.argv[2] ?? 3_000)
  process.stdout.write(JSON.stringify({ csv: toCsv(makeOrders(count)) }))
}
