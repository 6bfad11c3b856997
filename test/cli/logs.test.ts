import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readEvents } from '../../src/cli/server-sent-events.ts'
import { type Client, type Server, startServer } from '../e2e/server.ts'
import { createDirectory, runProgram, startProgram } from './command-line.ts'

let server: Server
let ann: Client
beforeAll(async () => {
  server = await startServer()
  await server.tenant('ann')
  await server.tenant('bob')
  ann = await server.asTenant('ann')
})
afterAll(() => server[Symbol.asyncDispose]())

const environment = () => ({ CLOISTER_URL: server.url, CLOISTER_KEY: server.adminKey })

test('the last runs are shown with their logs, oldest first, and can be searched', async () => {
  await ann.run('ann', { code: 'console.log("order 1")' })
  await ann.run('ann', { code: 'console.warn("order 2"); throw new Error("no stock")' })
  const { body } = await ann.get('/v1/tenants/ann/logs')
  expect(body.runs.map(({ logs }: any) => logs[0].message)).toEqual(['order 1', 'order 2'])
  expect((await ann.get('/v1/tenants/ann/logs?search=NO+STOCK')).body.runs).toHaveLength(1)
  expect((await ann.get('/v1/tenants/ann/logs?status=ok&limit=1')).body.runs).toHaveLength(1)
  expect((await ann.get('/v1/tenants/bob/logs')).status).toBe(403)
  expect((await ann.get('/v1/tenants/bob/logs?follow=true')).status).toBe(403)
  expect((await ann.get('/v1/tenants/ann/logs?sample=2&limit=0')).body.error.message).toMatch(/sample.*limit/s)
  const printed = await runProgram(['logs', '--tenant', 'ann', '--status', 'error'], { env: environment() })
  expect(printed.stdout).toMatch(/execute\norder 2\nError: no stock\n.*\nREPORT run_\w+ {2}error/s)
})

test('the tail shows a run when it has ended, and ends with its key', { timeout: 60_000 }, async () => {
  const { body } = await server.post('/v1/tenants/ann/keys')
  const mine = { CLOISTER_URL: server.url, CLOISTER_KEY: body.key }
  await using tail = startProgram(['tail', '--tenant', 'ann', '--search', 'seen'], { env: mine })
  await tail.printed('stderr', 'following ann')
  await ann.run('ann', { code: 'console.log("un"); console.log("seen it")' })
  expect(await tail.printed('stdout', 'REPORT')).toMatch(/execute\nun\nseen it\nREPORT run_\w+ {2}ok/)
  await server.delete(`/v1/tenants/ann/keys/${body.id}`)
  await ann.run('ann', { code: 'console.log("seen by nobody")' })
  const { code, stdout, stderr } = await tail.ended
  expect(code).toBe(70)
  expect(stderr).toContain('the key or the tenant is gone')
  expect(stdout).not.toContain('nobody')
})

test('a host that stops lets go of whoever follows', async () => {
  await using other = await startServer()
  await other.tenant('ann')
  const env = { CLOISTER_URL: other.url, CLOISTER_KEY: other.adminKey }
  await using tail = startProgram(['logs', '--follow', '--tenant', 'ann', '--json'], { env })
  await other.run('ann', { code: 'console.log("warm")' })
  const shown = (async () => {
    // The tail may have begun after a run.
    for (;;) {
      await other.run('ann', { code: 'console.log("here")' })
      if (await Promise.race([tail.printed('stdout', 'here'), new Promise((resolve) => setTimeout(resolve, 100))]))
        return
    }
  })()
  await shown
  process.kill(other.pid, 'SIGTERM')
  expect((await tail.ended).code).toBe(70)
  expect((await other.ended).code).toBe(0)
})

test('without a server there is nothing to follow, and the message says what to do', async () => {
  using folder = createDirectory()
  const { code, stderr } = await runProgram(['tail', '--tenant', 'ann'], { cwd: folder.path })
  expect(code).toBe(2)
  expect(stderr).toContain('cloister serve')
})

test('events are read alike however the stream is cut', async () => {
  const events = fc.array(
    fc.record({
      name: fc.constantFrom('run', 'lost', ''),
      data: fc.array(fc.stringMatching(/^[^\r\n]{0,8}$/), { minLength: 1 }),
    }),
  )
  const ends = fc.constantFrom('\n', '\r\n')
  await fc.assert(
    fc.asyncProperty(events, ends, fc.array(fc.nat(200)), async (given, end, cuts) => {
      const text = given
        .map(({ name, data }) =>
          [':comment', ...(name === '' ? [] : [`event: ${name}`]), ...data.map((line) => `data: ${line}`), '', ''].join(
            end,
          ),
        )
        .join('')
      const places = [0, ...cuts.filter((cut) => cut < text.length).toSorted((a, b) => a - b), text.length]
      const parts = places.slice(1).map((to, index) => text.slice(places[index], to))
      const read = []
      for await (const event of readEvents(ReadableStream.from(parts))) read.push(event)
      expect(read).toEqual(given.map(({ name, data }) => ({ name: name || 'message', data: data.join('\n') })))
    }),
    { numRuns: 200 },
  )
})
