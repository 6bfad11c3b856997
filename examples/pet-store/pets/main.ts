import { answering, granted } from '../web.ts'

/** `GET /?kind=cat&search=text` lists what is for sale, `GET /:id` shows one. */
export default answering(async (request, context) => {
  const pets = granted(context.docs, 'docs').collection('pets', { indexes: ['kind', 'name'] })
  const id = context.params?.['id']
  if (id !== undefined) {
    const pet = await pets.get(id)
    return pet === null ? Response.json({ error: 'there is no such pet' }, { status: 404 }) : Response.json(viewOf(pet))
  }
  const { searchParams } = new URL(request.url)
  const kind = searchParams.get('kind')
  const { documents } = await pets.find({ ...(kind && { where: { kind } }), sort: ['name'], limit: 100 })
  const search = (searchParams.get('search') ?? '').toLowerCase()
  return Response.json({
    pets: documents.map(viewOf).filter(({ name }) => String(name).toLowerCase().includes(search)),
  })
})

function viewOf({ id, data }: { id: string; data: { [name: string]: unknown } }) {
  return { id, name: data['name'], kind: data['kind'], price: data['price'], stock: data['stock'] }
}
