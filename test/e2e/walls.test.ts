import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LEVELS_HERE } from '../pool/harness.ts'
import { type Server, startServer } from './server.ts'

describe.each(LEVELS_HERE)('a server with walls of level %s', (level) => {
  let server: Server
  beforeAll(async () => {
    server = await startServer({ knobs: { WALLS: level, ALLOW_WEAK_WALLS: 'false' } })
    await server.tenant('strong', { policy: { walls: 'os' } })
    await server.tenant('weak', { policy: { walls: 'process' } })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('says so to whoever asks whether it is ready', async () => {
    expect((await server.get('/readyz')).body).toMatchObject({ walls: level })
  })

  test('says so in the record of each run', async () => {
    const { body } = await server.run('weak', { code: 'return 1' })
    expect(body).toMatchObject({ status: 'ok', result: 1 })
    expect((await server.get(`/v1/tenants/weak/runs/${body.runId}`)).body).toMatchObject({ walls: level })
  })

  test(`${level === 'C' ? 'refuses' : 'runs'} what a policy wants behind walls of the operating system`, async () => {
    const { status, body } = await server.run('strong', { code: 'return 1' })
    if (level === 'C') expect([status, body.error.code]).toEqual([403, 'WALLS_TOO_WEAK'])
    else expect([status, body.status]).toEqual([200, 'ok'])
  })
})
