import type { Handler } from 'cloister/types'

interface Order {
  readonly customer: string
  readonly cents: number
}

interface Receipt {
  readonly orders: number
  readonly cents: number
}

/** Counts what each customer has ordered. Every name below is completed and checked by an editor. */
export default (async ({ customer, cents }, context) => {
  if (context.kv === undefined) throw new Error('the policy grants no kv')
  const orders = await context.kv.increment(`orders:${customer}`)
  const total = await context.kv.increment(`cents:${customer}`, cents)
  console.info('%s has %d orders, %d ms are left', customer, orders, context.remainingMs())
  return { orders, cents: total }
}) satisfies Handler<Order, Receipt>
