import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { listenForShutdown } from '../../src/cli/shutdown.ts'

function createProcess() {
  const exits: number[] = []
  return Object.assign(new EventEmitter(), { exits, exit: (code: number) => void exits.push(code) })
}

test('the first signal asks for an orderly end', async () => {
  const source = createProcess()
  using shutdown = listenForShutdown(source)
  source.emit('SIGTERM')
  expect(await shutdown.requested).toBe('SIGTERM')
  expect(source.exits).toEqual([])
})

test('a second signal ends the process at once', () => {
  const source = createProcess()
  using _shutdown = listenForShutdown(source)
  source.emit('SIGTERM')
  source.emit('SIGINT')
  expect(source.exits).toEqual([130])
})

test('one signal that arrives directly and by the older Node is one request', async () => {
  const source = createProcess()
  using shutdown = listenForShutdown(source)
  source.emit('message', { signal: 'SIGINT' })
  source.emit('SIGINT')
  expect(await shutdown.requested).toBe('SIGINT')
  expect(source.exits).toEqual([])
  source.emit('message', { signal: 'SIGINT' })
  expect(source.exits).toEqual([130])
})

test('messages that are no signals mean nothing', () => {
  const source = createProcess()
  using _shutdown = listenForShutdown(source)
  for (const message of [null, 'SIGINT', { signal: 'SIGUSR1' }, {}]) source.emit('message', message)
  source.emit('SIGTERM')
  expect(source.exits).toEqual([])
})

test('signals have their usual meaning again afterwards', () => {
  const source = createProcess()
  listenForShutdown(source)[Symbol.dispose]()
  expect(source.eventNames()).toEqual([])
})
