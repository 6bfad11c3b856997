import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
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
  expect(start.callFrames).toMatchObject([{ location: { scriptId } }])
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
