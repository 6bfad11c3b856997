import { AutoRouter, error, json } from 'itty-router'

const router = AutoRouter({ base: '/v1' })
router.get('/items/:id?', ({ params, query }) => ({ id: params.id, query }))
router.post('/items', async (request) => json({ got: await request.json() }, { status: 201 }))
router.get('/teapot', () => error(418, 'short'))

export default async () => {
  const ask = async (path, init) => {
    const response = await router.fetch(new Request(`https://example.com/v1${path}`, init))
    return [response.status, await response.json()]
  }
  return [
    await ask('/items/7?a=1&a=2'),
    await ask('/items', { method: 'POST', body: '{"x":1}' }),
    await ask('/teapot'),
    await ask('/none'),
  ]
}
