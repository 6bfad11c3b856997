import type { Handler } from 'cloister/types'
import page from './front/index.html'
import { granted } from './web.ts'

const PETS = [
  { id: 'ada', name: 'Ada', kind: 'cat', price: 40, stock: 1 },
  { id: 'bo', name: 'Bo', kind: 'dog', price: 90, stock: 3 },
  { id: 'cleo', name: 'Cleo', kind: 'cat', price: 35, stock: 2 },
  { id: 'dot', name: 'Dot', kind: 'fish', price: 5, stock: 20 },
]

/** Run once: stores the front end and what is for sale. */
export default (async (_input, context) => {
  await granted(context.blobs, 'blobs').put('shop/index.html', page, { contentType: 'text/html; charset=utf-8' })
  const pets = granted(context.docs, 'docs').collection('pets', { indexes: ['kind', 'name'] })
  for (const { id, ...data } of PETS) await pets.replace(id, data, { upsert: true })
  return { pets: PETS.length }
}) satisfies Handler
