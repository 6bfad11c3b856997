import type { Handler } from 'cloister/types'

interface Order {
  readonly id: string
  /** In the smallest unit of the currency. */
  readonly amount: number
  readonly currency: string
  /** Where the API is; Stripe's own if absent. */
  readonly origin?: string
}

interface Intent {
  readonly id: string
  readonly status: string
}

/** Asks Stripe for a payment of an order. The code never has the key: what it holds is of no use to anybody. */
export default (async ({ id, amount, currency, origin = 'https://api.stripe.com' }, { secrets }) => {
  if (secrets === undefined) throw new Error('the policy does not grant secrets')
  const key = await secrets.ref('STRIPE_KEY')
  console.log('paying', id, 'with', key)
  const response = await fetch(`${origin}/v1/payment_intents`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'idempotency-key': `order-${id}` },
    body: new URLSearchParams({ amount: String(amount), currency, 'metadata[order]': id }),
  })
  if (!response.ok) throw new Error(`Stripe answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Intent
}) satisfies Handler<Order, Intent>
