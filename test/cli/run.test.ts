import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createDirectory, runProgram } from './command-line.ts'

const directory = createDirectory()
afterAll(() => directory[Symbol.dispose]())

/** Runs a command in the test's own directory, whose data directory is `.cloister`. */
function cloister(args: readonly string[], input?: string) {
  return runProgram(args, { cwd: directory.path, ...(input !== undefined && { input }) })
}

function write(name: string, text: string): string {
  writeFileSync(join(directory.path, name), text)
  return name
}

const REPORT =
  /^REPORT run_[0-9a-v]{26}  (\S+)  [\d.,]+ m?s wall  [\d.,]+ m?s cpu  \d+ units? of 100 ms  \d+ MB  .*\$0\.\d+$/m

test('a file runs without any server: its result on standard output, its logs and the charge beside it', async () => {
  const file = write('hello.js', 'console.log("greeting"); return { hello: input.name }')
  const { code, stdout, stderr } = await cloister(['run', file, '--input', '{"name":"ann"}'])
  expect(code).toBe(0)
  expect(stdout).toBe('{"hello":"ann"}\n')
  expect(stderr.split('\n')[0]).toBe('greeting')
  expect(REPORT.exec(stderr)?.[1]).toBe('ok')
  expect(stderr.trim().split('\n')).toHaveLength(2)
})

test('for a program the whole answer is on standard output', async () => {
  const file = write('hello.js', 'console.log("greeting"); return { hello: input.name }')
  const { code, stdout, stderr } = await cloister(['run', file, '--input', '{"name":"ann"}', '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({
    status: 'ok',
    result: { hello: 'ann' },
    logs: [{ level: 'info', message: 'greeting' }],
    usage: { units: 1, billed: true },
  })
})

test('code and input may come from standard input, but a file may be named for either', async () => {
  expect((await cloister(['run', '-'], 'return 6 * 7')).stdout).toBe('42\n')
  const file = write('echo.mjs', 'export default (input) => input')
  expect((await cloister(['run', file, '--input-file', '-'], '[1, 2]')).stdout).toBe('[1,2]\n')
  const input = write('input.json', '"ü"')
  expect((await cloister(['run', file, '--input-file', input])).stdout).toBe('"ü"\n')
  expect((await cloister(['run', '-', '--language', 'typescript'], 'const x: number = 3; return x')).stdout).toBe('3\n')
})

test('what the code throws is shown with the lines of its own file, and the exit is 1', async () => {
  const file = write('boom.ts', 'export default (input: number) => {\n  throw new RangeError(`too big: ${input}`)\n}\n')
  const { code, stdout, stderr } = await cloister(['run', file, '--input', '5'])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('RangeError: too big: 5\n')
  expect(stderr).toMatch(/boom\.ts:2:\d+/)
  expect(REPORT.exec(stderr)?.[1]).toBe('error')
})

test('code that does not compile is an error of the code, not of the command line', async () => {
  const { code, stderr } = await cloister(['run', write('broken.js', 'export default () => {\n  return {\n')])
  expect(code).toBe(1)
  expect(stderr).toContain('SyntaxError')
  expect(stderr).toContain('broken.js:')
})

test('a limit that ends the run exits 124, and says which', async () => {
  const { code, stdout, stderr } = await cloister(['run', write('loop.js', 'for (;;);'), '--timeout', '50'])
  expect({ code, stdout }).toEqual({ code: 124, stdout: '' })
  expect(stderr).toMatch(/^timeout: /m)
  expect(REPORT.exec(stderr)?.[1]).toBe('timeout')
})

test('a file whose name no module can have runs all the same', async () => {
  expect((await cloister(['run', write('a#b?.js', 'return 1')])).stdout).toBe('1\n')
})

test('a tenant is made by using it, and its policy can be named', async () => {
  const file = write('one.js', 'return 1')
  expect((await cloister(['run', file, '--tenant', 'bob', '--policy', 'strict'])).code).toBe(0)
  const { stdout } = await cloister(['tenants', 'show', 'bob', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ tenant: 'bob', policy: 'strict' })
  const policy = write('mine.json', '{"name":"mine","limits":{"wallMs":777}}')
  expect((await cloister(['run', file, '--tenant', 'bob', '--policy', policy])).code).toBe(0)
  expect((await cloister(['tenants', 'list'])).stdout).toMatch(/^bob +mine +none/m)
})

test('a policy that there is not is a usage error that names those there are', async () => {
  const { code, stdout, stderr } = await cloister(['run', write('one.js', 'return 1'), '--policy', 'absent'])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('error INVALID_POLICY: ')
  expect(stderr).toContain('"absent"')
})

test('every run is in the list, the usage and the bill', async () => {
  const tenant = ['--tenant', 'carol']
  const file = write('one.js', 'console.log("kept"); return 1')
  const first = JSON.parse((await cloister(['run', file, '--json', ...tenant])).stdout) as { runId: string }
  await cloister(['run', write('boom.js', 'throw new Error("no")'), ...tenant])

  const runs = await cloister(['runs', ...tenant])
  expect(runs.code).toBe(0)
  expect(runs.stdout.trim().split('\n')).toHaveLength(3)
  expect((await cloister(['runs', ...tenant, '--status', 'ok'])).stdout).toContain(first.runId)
  const one = await cloister(['runs', first.runId, ...tenant])
  expect(one.stdout).toContain('kept')
  expect(REPORT.exec(one.stdout)?.[1]).toBe('ok')

  const usage = await cloister(['usage', ...tenant, '--group-by', 'outcome'])
  expect(usage.stdout).toMatch(/^error +1 +1 /m)
  expect(usage.stdout).toMatch(/^ok +1 +1 /m)
  expect(usage.stdout).toMatch(/^total +2 +2 /m)

  const bill = JSON.parse((await cloister(['bill', ...tenant, '--json'])).stdout) as { total: string; records: number }
  expect(bill.records).toBe(2)
  const table = await cloister(['bill', ...tenant])
  expect(table.stdout).toMatch(new RegExp(`^total +\\$${bill.total.replace(/0{1,7}$/, '')}$`, 'm'))
  const csv = await cloister(['bill', ...tenant, '--csv'])
  expect(csv.stdout.split('\r\n').at(-2)).toContain(`total,Total,,,,${bill.total},USD`)
})

test('what is refused exits 3 and says what to do', async () => {
  const unknown = await cloister(['bill', '--tenant', 'nobody'])
  expect(unknown).toMatchObject({ code: 3, stdout: '' })
  expect(unknown.stderr).toContain('error NOT_FOUND: ')
  expect(unknown.stderr).toContain('\n  next: ')

  await cloister(['tenants', 'put', 'dave', '--budget', '{"day":{"units":1}}'])
  const { code, stderr } = await cloister(['run', write('one.js', 'return 1'), '--tenant', 'dave', '--json'])
  expect(code).toBe(3)
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'BUDGET_EXCEEDED' } })
})

test('tenants and keys come and go', async () => {
  expect((await cloister(['tenants', 'put', 'erin', '--budget', '{"month":{"usd":"12.50"}}'])).stdout).toContain(
    '$12.50 a month',
  )
  const made = await cloister(['keys', 'create', '--tenant', 'erin'])
  expect(made.stdout).toMatch(/^clk_\S+\n$/)
  const id = made.stdout.split('_')[1]!
  expect((await cloister(['keys', 'list', '--tenant', 'erin'])).stdout).toContain(id)
  expect((await cloister(['keys', 'delete', id, '--tenant', 'erin'])).code).toBe(0)
  expect(await cloister(['keys', '--tenant', 'erin'])).toMatchObject({ code: 0, stdout: '' })
  expect((await cloister(['tenants', 'delete', 'erin'])).code).toBe(0)
  expect((await cloister(['tenants', 'show', 'erin'])).code).toBe(3)
})

test('the doctor names the walls, and really runs something', async () => {
  const { code, stdout } = await cloister(['doctor', '--json'])
  const report = JSON.parse(stdout) as { walls: string; checks: { name: string; status: string }[] }
  expect(report.walls).toMatch(/^[ABC]$/)
  expect(report.checks.filter(({ status }) => status === 'failed')).toEqual([])
  expect(code).toBe(0)
  const text = (await cloister(['doctor'])).stdout
  expect(text).toContain(`walls    level ${report.walls}: `)
  for (const { name } of report.checks) expect(text).toContain(name)
})
