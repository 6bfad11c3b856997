import type { Documents, Json } from 'cloister/types'
import { answering, granted } from '../web.ts'

const TRIES = 5

/** `POST {petId}` buys a pet, `GET` lists what the customer has bought: whose token it is, the host has checked. */
export default answering(async (request, context) => {
  const docs = granted(context.docs, 'docs')
  const customer = granted(context.caller?.user, 'users').id
  if (request.method === 'POST') {
    const { petId = '' } = (await request.json().catch(() => ({}))) as { petId?: string }
    return buy(docs, customer, petId)
  }
  const orders = docs.collection('orders', { indexes: ['customer', 'at'] })
  const { documents } = await orders.find({ where: { customer }, sort: ['-at'], limit: 50 })
  return Response.json({ orders: documents.map(({ id, data }) => ({ id, ...data })) })
})

/** One pet less and one order more, or neither: somebody else may be buying the last one. */
async function buy(docs: Documents, customer: string, petId: string): Promise<Response> {
  const pets = docs.collection('pets')
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const pet = await pets.get(petId)
    if (pet === null) return Response.json({ error: 'there is no such pet' }, { status: 404 })
    const { name = '', price = 0, stock = 0 } = pet.data as { name?: string; price?: number; stock?: number }
    if (stock < 1) return Response.json({ error: `${name} is sold out` }, { status: 409 })
    const data: Record<string, Json> = { customer, petId, name, price, at: new Date().toISOString() }
    try {
      const [, order] = await docs.transact([
        { op: 'patch', collection: 'pets', id: petId, ifVersion: pet.version, data: { stock: stock - 1 } },
        { op: 'insert', collection: 'orders', data },
      ])
      return Response.json({ id: order?.id, name, price }, { status: 201 })
    } catch (error) {
      if ((error as { code?: string }).code !== 'CONFLICT') throw error
    }
  }
  return Response.json({ error: 'many are buying this; try again' }, { status: 503 })
}
