import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { validator } from 'hono/validator'

const app = new Hono().use(cors())
app.get('/hello/:name', (c) => c.json({ hello: c.req.param('name'), q: c.req.query('q') }))
app.post(
  '/echo',
  validator('json', (value, c) => (typeof value.a === 'number' ? value : c.text('bad', 400))),
  async (c) => c.json(c.req.valid('json'), 201, { 'x-made': 'yes' }),
)
app.onError((error, c) => c.text(error.message, 500))
app.get('/fail', () => {
  throw new Error('broken')
})

export default async () => {
  const get = await app.request('/hello/ann%20b?q=1')
  const post = await app.request('/echo', {
    method: 'POST',
    body: '{"a":1}',
    headers: { 'content-type': 'application/json' },
  })
  const bad = await app.fetch(
    new Request('http://localhost/echo', {
      method: 'POST',
      body: '{"a":"x"}',
      headers: { 'content-type': 'application/json' },
    }),
  )
  const fail = await app.request('/fail')
  return [
    get.status,
    await get.json(),
    get.headers.get('access-control-allow-origin'),
    post.status,
    await post.json(),
    post.headers.get('x-made'),
    bad.status,
    await bad.text(),
    fail.status,
    await fail.text(),
    (await app.request('/none')).status,
  ]
}
