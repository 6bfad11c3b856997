import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CATALOGUE } from '../../src/stress/catalogue.ts'
import { createDirectory, runProgram } from '../cli/command-line.ts'
import { startServer } from '../e2e/server.ts'
import { createFakeServer } from './fake-server.ts'

// Attacks that end by themselves: how late a busy machine kills is not what is tested here.
const SAFE = 'A-119,A-121,A-166,A-194,A-233,A-256,A-303'

test('cloister stress attacks a host of its own, says what held, writes a report and leaves nothing behind', async () => {
  using folder = createDirectory()
  const scratch = join(folder.path, 'tmp')
  mkdirSync(scratch)
  const report = join(folder.path, 'report.html')
  const args = ['stress', '--attack', SAFE, '--seed', '3', '--json', '--report', report]
  const { code, stdout, stderr } = await runProgram(args, { cwd: folder.path, env: { TMPDIR: scratch } })
  const result = JSON.parse(stdout)
  expect({ code, verdicts: result.verdicts.filter(({ contained }: any) => !contained) }).toEqual({
    code: 0,
    verdicts: [],
  })
  expect(result).toMatchObject({
    passed: true,
    totals: { attacks: 7, contained: 7 },
    setting: { target: 'own', seed: 3 },
  })
  expect(result.quiet).toMatchObject({ faults: [], leaks: 0 })
  expect(result.memory.length).toBeGreaterThan(0)
  expect(result.ledger.verified).toBe(result.ledger.tenants)
  expect(stderr).toContain('A-194 contained')
  expect(readFileSync(report, 'utf8')).toContain('7 of 7 attacks contained')
  expect(readdirSync(scratch).filter((name) => name.startsWith('cloister-'))).toEqual([])
})

test('cloister stress --against attacks a running server with its admin key and takes its tenants away again', async () => {
  await using server = await startServer()
  await server.tenant('ann')
  const args = ['stress', '--against', server.url, '--attack', 'A-121,A-233']
  const { code, stdout } = await runProgram(args, { env: { CLOISTER_KEY: server.adminKey } })
  expect(code).toBe(0)
  expect(stdout).toContain('2 of 2 attacks contained')
  expect((await server.get('/v1/tenants')).body.tenants.map(({ tenant }: any) => tenant)).toEqual(['ann'])
  expect((await runProgram([...args, '--key', 'not the key at all'])).code).toBe(3)
})

test('a server that lets an attack out is told by exit code 1 and by the name of the attack', async () => {
  const fake = createFakeServer()
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk))
    request.on('end', async () => {
      const answer = await fake.request(request.method as 'GET', request.url ?? '', { body })
      response.writeHead(answer.status, answer.headers).end(answer.status === 204 ? undefined : answer.body)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    // The fake says 1 whatever is run: that no loop can.
    const { code, stdout } = await runProgram(['stress', '--against', url, '--key', 'any', '--attack', 'A-01'])
    expect(code).toBe(1)
    expect(stdout).toContain('A-01 a loop: ended as ok, not as timeout')
    expect(fake.tenants.size).toBe(0)
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

test.each([
  ['--class', 'nothing'],
  ['--attack', 'A-0'],
  ['--attack', ''],
  ['--rounds', '0'],
  ['--rounds', 'many'],
  ['--concurrency', '1000'],
  ['--against', 'ftp://x'],
  ['--class', 'cpu', '--quick', 'more'],
])('cloister stress %s %s is a mistake of usage', async (...args) => {
  expect((await runProgram(['stress', ...args])).code).toBe(2)
})

test('a server that does not answer is a host fault', async () => {
  expect((await runProgram(['stress', '--against', 'http://127.0.0.1:9', '--key', 'x'])).code).toBe(70)
})

test('cloister stress --list lists the catalogue, in whole or in part, and attacks nobody', async () => {
  const list = async (...args: string[]): Promise<any[]> =>
    JSON.parse((await runProgram(['stress', '--list', '--json', ...args])).stdout)
  expect((await list()).length).toBe(CATALOGUE.length)
  expect((await list('--class', 'cpu,timing')).every((attack) => ['cpu', 'timing'].includes(attack.class))).toBe(true)
  const quick = await list('--quick')
  expect(quick.length).toBeGreaterThanOrEqual(40)
  expect(new Set(quick.map((attack) => attack.class)).size).toBe(11)
  const { stdout } = await runProgram(['stress', '--list'])
  expect(stdout).toContain('A-20')
})
