import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, createDirectory, runProgram, startProgram } from './command-line.ts'

const COMMANDS = [
  'serve',
  'run',
  'runs',
  'bill',
  'usage',
  'tenants',
  'tenants list',
  'tenants show',
  'tenants put',
  'tenants delete',
  'keys',
  'keys list',
  'keys create',
  'keys delete',
  'policy',
  'policy check',
  'doctor',
]

test('help lists every command, the environment and the exit codes', async () => {
  const { code, stdout, stderr } = await runProgram(['--help'])
  expect(code).toBe(0)
  expect(stderr).toBe('')
  for (const command of COMMANDS) expect(stdout).toContain(command.split(' ')[0])
  for (const text of ['CLOISTER_URL', 'CLOISTER_KEY', '124 a limit ended the run']) expect(stdout).toContain(text)
})

test.for(COMMANDS)('the help of "%s" has an example of that command', async (command) => {
  const { code, stdout } = await runProgram([...command.split(' '), '--help'])
  expect(code).toBe(0)
  expect(stdout.split('Example:')[1]).toContain(`cloister ${command}`)
})

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  expect(await runProgram(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` })
})

test.for([
  { args: ['frobnicate'], says: "unknown command 'frobnicate'" },
  { args: ['run'], says: "missing required argument 'file'" },
  { args: ['run', 'a.js', '--frob'], says: "unknown option '--frob'" },
  { args: ['run', 'a.js', '--timeout', '1e3'], says: 'Not a whole number' },
  { args: ['run', 'a.js', '--tenant', 'Ann'], says: "Not a tenant's name" },
  { args: ['run', 'a.js', '--input', '1', '--input-file', 'b'], says: 'cannot be used with' },
  { args: ['run', '-', '--input-file', '-'], says: 'cannot both be standard input' },
  { args: ['run', 'absent.js'], says: 'there is no such file' },
  { args: ['run', 'package.json'], says: 'cannot tell the language of package.json' },
  { args: ['run', 'bin/cloister.js', '--input', '{a:1}'], says: '--input is not JSON' },
  { args: ['bill', '--period', '2026-13'], says: 'Not a month like 2026-03' },
  { args: ['runs', '--status', 'done'], says: 'Allowed choices are ok, error' },
  { args: ['tenants', 'put', 'ann', '--budget', '{'], says: 'JSON' },
  { args: ['policy', 'check'], says: "missing required argument 'file'" },
  { args: ['policy', 'check', 'absent.json'], says: 'there is no such file' },
  { args: ['serve', '--port', '70000'], says: 'port must be a whole number from 0 to 65535' },
])('$args exits 2, says why on standard error and prints nothing else', async ({ args, says }) => {
  const { code, stdout, stderr } = await runProgram(args, { cwd: ROOT })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(says)
  expect(stderr).not.toContain('    at ')
})

test('without a command the help is on standard error and the exit is 2', async () => {
  const { code, stdout, stderr } = await runProgram([])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('Usage: cloister')
})

test('a reader that stops early is no failure', async () => {
  await using program = startProgram(['--help'], {})
  program.child.stdout!.destroy()
  expect(await program.ended).toMatchObject({ code: 0, stderr: '' })
})

test('a failure is one line of JSON for a program', async () => {
  const { code, stdout, stderr } = await runProgram(['run', 'absent.js', '--json'])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(JSON.parse(stderr)).toEqual({
    error: { code: 'FAILED', message: 'cannot read absent.js: there is no such file' },
  })
})

test('a sound policy passes the check', async () => {
  const { code, stdout, stderr } = await runProgram(['policy', 'check', join(ROOT, 'policies/default.json')])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('policy "default" has no faults')
})

const FAULTY = JSON.stringify({ name: 'Bad Name', limits: { wallMs: -1, wallSeconds: 3 }, rate: { burst: 'x' } })

test('every fault of a policy is listed with its path, and the exit is 2', async () => {
  const { code, stdout, stderr } = await runProgram(['policy', 'check', '-'], { input: FAULTY })
  expect(code).toBe(2)
  const paths = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(': ')[0])
  expect(paths.toSorted()).toEqual(['limits.wallMs', 'limits.wallSeconds', 'name', 'rate.burst'])
  expect(stderr).toBe('standard input has 4 faults\n')
})

test('the faults of a policy are JSON for a program', async () => {
  const bad = await runProgram(['policy', 'check', '-', '--json'], { input: FAULTY })
  expect(bad).toMatchObject({ code: 2, stderr: '' })
  const answer = JSON.parse(bad.stdout) as { ok: boolean; faults: { path: string; message: string }[] }
  expect(answer.ok).toBe(false)
  expect(answer.faults.map(({ path }) => path)).toContain('limits.wallMs')
  const good = await runProgram(['policy', 'check', '-', '--json'], { input: '{"name":"mine"}' })
  expect(good.code).toBe(0)
  expect(JSON.parse(good.stdout)).toEqual({ file: '-', ok: true, name: 'mine', faults: [] })
})

test('a policy that is not JSON has one fault that says where', async () => {
  const { code, stdout } = await runProgram(['policy', 'check', '-'], { input: '{\n  "limits": {,}\n}' })
  expect(code).toBe(2)
  expect(stdout).toContain('line 2')
})

test('a policy may extend one of the folder that is named', async () => {
  using directory = createDirectory()
  writeFileSync(join(directory.path, 'gold.json'), '{"limits":{"wallMs":1234}}')
  const overlay = { input: '{"name":"mine","extends":"gold"}' }
  expect((await runProgram(['policy', 'check', '-'], overlay)).code).toBe(2)
  expect((await runProgram(['policy', 'check', '-', '--policies', directory.path], overlay)).code).toBe(0)
})
