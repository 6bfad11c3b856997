import type { DurableContext } from 'cloister/types'

interface Order {
  readonly id: string
  readonly items: Readonly<Record<string, number>>
  readonly cents: number
}

interface Undo {
  readonly name: string
  readonly work: () => Promise<unknown>
}

const THREE_DAYS = 3 * 86_400_000

/**
 * An order as a saga: stock, payment and shipping are three parties who share no transaction. Each step has one that takes it
 * back, and when a later one fails they are done in reverse. A step may be done twice when a machine dies, so each writes under
 * the order's own id: twice is once.
 */
export default async function (order: Order, context: DurableContext) {
  const { kv } = context
  if (kv === undefined) throw new Error('the policy must grant kv')
  const undo: Undo[] = []
  try {
    await context.step('reserve', () => kv.put(`reserved/${order.id}`, order.items))
    undo.push({ name: 'release', work: () => kv.delete(`reserved/${order.id}`) })

    await context.step('charge', async () => {
      if (order.cents > 100_000) throw Object.assign(new Error('the card was refused'), { retryable: false })
      await kv.put(`paid/${order.id}`, order.cents)
    })
    undo.push({ name: 'refund', work: () => kv.put(`paid/${order.id}`, 0) })

    // Days may go by. Nothing of this function is in memory meanwhile.
    const parcel = await context.waitForEvent<{ number: string | null }>('parcel', { timeout: THREE_DAYS })
    if (parcel.number === null) throw new Error('the carrier will not take it')
    return { status: 'shipped', parcel: parcel.number }
  } catch (error) {
    for (const { name, work } of undo.toReversed()) await context.step(name, work)
    return { status: 'cancelled', because: (error as Error).message, undone: undo.map(({ name }) => name).toReversed() }
  }
}
