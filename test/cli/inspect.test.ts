import { writeFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { type Started, createDirectory, runProgram, startProgram } from './command-line.ts'
import { connectDevTools } from './devtools-client.ts'

const directory = createDirectory()
afterAll(() => directory[Symbol.dispose]())

function write(name: string, text: string): string {
  writeFileSync(join(directory.path, name), text)
  return name
}

function urlOf(name: string): string {
  return pathToFileURL(join(directory.path, name)).href
}

/** Starts a run that waits for a debugger; resolves with where that gets in. */
async function inspect(...args: string[]): Promise<{ program: Started; address: URL }> {
  const program = startProgram(['run', ...args, '--inspect=127.0.0.1:0'], { cwd: directory.path })
  program.child.stdin?.end()
  const text = await program.printed('stderr', 'The run waits')
  const [, url] = /listening on (ws:\S+)/.exec(text) ?? []
  return { program, address: new URL(url ?? '') }
}

const GREET = `function greet(name) {
  const text = 'hello ' + name
  return text
}
export default (input) => {
  console.warn('greeting', input.name)
  return greet(input.name)
}
`

test('a debugger stops the guest before its first statement, breaks in its lines, reads its frames and hears its console', async () => {
  const file = write('greet.js', GREET)
  const { program, address } = await inspect(file, '--input', '{"name":"ann"}', '--json')
  await using _ = program
  const tools = await connectDevTools(address.href)
  const enabled = tools.command('Runtime.enable')
  void tools.command('Debugger.enable')
  await tools.command('Runtime.runIfWaitingForDebugger')
  await enabled
  const { context } = await tools.next('Runtime.executionContextCreated')
  expect(context.name).toBe(file)

  const start = await tools.next('Debugger.paused')
  expect(start).toMatchObject({ reason: 'Break on start', hitBreakpoints: [] })
  const scripts = tools.taken('Debugger.scriptParsed')
  const { scriptId } = scripts.find(({ url }) => url === urlOf(file))
  expect(start.callFrames[0].location).toMatchObject({ scriptId, lineNumber: 5 })
  await tools.command('Debugger.setBreakpointByUrl', { url: urlOf(file), lineNumber: 2 })
  await tools.command('Debugger.resume')

  const { hitBreakpoints, callFrames } = await tools.next('Debugger.paused')
  expect(hitBreakpoints).toHaveLength(1)
  expect(callFrames[0]).toMatchObject({ functionName: 'greet', location: { scriptId, lineNumber: 2 } })
  const { callFrameId } = callFrames[0]
  const read = await tools.command('Debugger.evaluateOnCallFrame', { callFrameId, expression: 'text' })
  expect(read.result).toMatchObject({ type: 'string', value: 'hello ann' })
  await tools.command('Debugger.evaluateOnCallFrame', { callFrameId, expression: 'name = "changed", text + "!"' })
  expect(await tools.next('Runtime.consoleAPICalled')).toMatchObject({
    type: 'warning',
    args: [{ type: 'string', value: 'greeting ann' }],
    executionContextId: context.id,
  })
  await tools.command('Debugger.resume')

  await tools.closed
  const { code, stdout } = await program.ended
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ status: 'ok', result: 'hello ann' })
})

test('a body without exports stops at its own first line, and goes on to its end when the debugger leaves', async () => {
  const file = write('body.js', 'const first = 1\nawait new Promise((done) => setTimeout(done, 5))\nreturn first + 1\n')
  const { program, address } = await inspect(file)
  await using _ = program
  const tools = await connectDevTools(address.href)
  await tools.command('Debugger.enable').catch(() => {})
  await tools.command('Runtime.runIfWaitingForDebugger')
  const { callFrames } = await tools.next('Debugger.paused')
  expect(callFrames[0].location).toMatchObject({ lineNumber: 0 })
  await tools.command('Debugger.stepOver')
  expect((await tools.next('Debugger.paused')).callFrames[0].location).toMatchObject({ lineNumber: 1 })
  tools.close()
  expect(await program.ended).toMatchObject({ code: 0, stdout: '2\n' })
})

test('a debugger takes the place of another, and holds a guest that loops without end', async () => {
  const file = write('endless.js', 'let turns = 0\nfor (;;) turns += 1\n')
  const { program, address } = await inspect(file)
  await using _ = program
  const first = await connectDevTools(address.href)
  await first.command('Runtime.runIfWaitingForDebugger')
  const second = await connectDevTools(address.href)
  await first.closed
  await second.command('Debugger.enable')
  const pause = async (): Promise<string> => {
    await second.command('Debugger.pause')
    return (await second.next('Debugger.paused')).callFrames[0].callFrameId
  }
  const hasTurned = async (callFrameId: string): Promise<boolean> => {
    const { result } = await second.command('Debugger.evaluateOnCallFrame', { callFrameId, expression: 'turns > 0' })
    return result.value === true
  }
  let callFrameId = await pause()
  // It may have been caught before its first turn.
  while (!(await hasTurned(callFrameId))) {
    await second.command('Debugger.resume')
    callFrameId = await pause()
  }
  await second.command('Debugger.evaluateOnCallFrame', { callFrameId, expression: 'turns = NaN' })
  void second.command('Runtime.terminateExecution')
  void second.command('Debugger.resume')
  expect((await program.ended).code).not.toBe(0)
})

test('while a guest waits and uses the web’s own API, capabilities and timers, a debugger changes nothing of its result', async () => {
  const code = `export default async (input, { kv }) => {
  await new Promise((done) => setTimeout(done, 5))
  await kv?.put('key', 'value')
  try { null.property } catch (error) { return [btoa('web'), await kv?.get('key'), error.stack.split('\\n')[1].trim()] }
}
`
  const file = write('all.js', code)
  const { program, address } = await inspect(file)
  await using _ = program
  const tools = await connectDevTools(address.href)
  void tools.command('Runtime.enable')
  await tools.command('Runtime.runIfWaitingForDebugger')
  const { stdout } = await program.ended
  expect(JSON.parse(stdout)).toEqual(['d2Vi', 'value', expect.stringMatching(/^at .*\(?all\.js:4:\d+\)?$/)])
})

test('what can be debugged is listed as Node lists it, to this machine only, and without its token nobody gets in', async () => {
  const { program, address } = await inspect(write('one.js', 'return 1'))
  await using _ = program
  const list = await (await fetch(`http://${address.host}/json/list`)).json()
  expect(list).toMatchObject([
    { type: 'node', title: 'one.js', url: urlOf('one.js'), webSocketDebuggerUrl: address.href },
  ])
  expect(await (await fetch(`http://${address.host}/json/version`)).json()).toMatchObject({ 'Protocol-Version': '1.3' })
  expect((await fetch(`http://${address.host}/elsewhere`)).status).toBe(404)
  await expect(connectDevTools(`ws://${address.host}/`)).rejects.toThrow('400')
  // As a page would ask whose own name leads to this machine.
  const request = get({ host: address.hostname, port: address.port, path: '/json', headers: { host: 'evil.example' } })
  const [response] = await once(request, 'response')
  expect(response.statusCode).toBe(400)
})

test('nobody looks into a run of a server, and no debugger gets in from elsewhere', async () => {
  const file = write('one.js', 'return 1')
  const server = { CLOISTER_URL: 'http://127.0.0.1:1' }
  for (const option of ['--inspect', '--cpu-profile=out.cpuprofile']) {
    const { code, stderr } = await runProgram(['run', file, option], { cwd: directory.path, env: server })
    expect(code).toBe(2)
    expect(stderr).toContain('for development')
    expect(stderr).toContain('unset CLOISTER_URL')
  }
  for (const address of ['0.0.0.0:9229', 'example.com', '127.0.0.1:70000']) {
    const { code, stderr } = await runProgram(['run', file, `--inspect=${address}`], { cwd: directory.path })
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('from this machine only') })
  }
  await using taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const { code, stderr } = await runProgram(['run', file, `--inspect=${port}`], { cwd: directory.path })
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('choose another port') })
})
