import { afterAll, expect, test } from 'vitest'
import { createCloister } from '../../src/index.ts'
import { createDirectory } from '../cli/command-line.ts'
import { type RunUsage, billOf, expectBill, expectUsage } from './independent-bill.ts'
import { startServer } from './server.ts'

const directory = createDirectory()
afterAll(() => directory[Symbol.dispose]())

test('what a program ran through the library, a server over the same directory bills, and the other way round', async () => {
  const usages: RunUsage[] = []
  {
    await using cloister = await createCloister({ dataDirectory: directory.path })
    await cloister.putTenant('ann', { policy: { limits: { memoryMb: 64 } } })
    const code = 'export default async (input: number, { kv }) => [input, await kv.increment("n")]'
    for (let n = 1; n <= 3; n += 1) {
      const run = await cloister.execute({ tenant: 'ann', code, language: 'typescript', input: n })
      expect(run).toMatchObject({ status: 'ok', result: [n, n] })
      expectUsage(run.usage, 64)
      usages.push(run.usage)
    }
    expect(await cloister.bill('ann')).toMatchObject(billOf(usages))
  }
  {
    await using server = await startServer({ directory: directory.path })
    await expectBill(server, 'ann', usages)
    const { body } = await server.run('ann', { code: 'return await context.kv.get("n")' })
    expect(body.result).toBe(3)
    usages.push(body.usage)
    await expect(createCloister({ dataDirectory: directory.path })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(server.url),
    })
    server.process.child.kill('SIGTERM')
    await server.ended
  }
  await using cloister = await createCloister({ dataDirectory: directory.path })
  expect(await cloister.bill('ann')).toMatchObject({ ...billOf(usages), records: 4 })
})
