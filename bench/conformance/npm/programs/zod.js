import * as z from 'zod'

const Order = z
  .object({
    id: z.uuid(),
    lines: z.array(z.object({ sku: z.string().min(3), count: z.coerce.number().int().positive() })).nonempty(),
    mail: z.email().optional(),
  })
  .strict()

export default () => {
  const good = Order.parse({ id: '2f1b8a52-8f3c-4a43-9a2c-0a4d6a6f9d11', lines: [{ sku: 'abc', count: '3' }] })
  const bad = Order.safeParse({ id: 'x', lines: [], mail: 'nobody', more: 1 })
  return {
    good,
    issues: bad.error.issues.map(({ code, path }) => [code, path.join('.')]),
    schema: z.toJSONSchema(Order).required,
  }
}
