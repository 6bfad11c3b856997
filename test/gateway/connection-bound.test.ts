import { once } from 'node:events'
import { connect } from 'node:net'
import { onTestFinished, expect, test } from 'vitest'
import { sourceOf } from '../../src/gateway/connection-bound.ts'
import { openGateway } from './world.ts'

/** Opens a connection; tells whether the server keeps it, by asking something over it. */
async function open(url: string, localAddress: string): Promise<{ answers: boolean; end: () => Promise<unknown> }> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
  const answers = await Promise.race([once(socket, 'data').then(() => true), closed.then(() => false)])
  return {
    answers,
    end: () => {
      socket.destroy()
      return closed
    },
  }
}

test('one address has so many connections and no more, whatever others have; what it closes it may open again', async () => {
  const { url } = await openGateway({ limits: { connectionsPerAddress: 2 } })
  const first = await open(url, '127.0.0.1')
  const kept = [first, await open(url, '127.0.0.1'), await open(url, '127.0.0.2'), await open(url, '127.0.0.2')]
  expect(kept.map(({ answers }) => answers)).toEqual([true, true, true, true])
  expect((await open(url, '127.0.0.1')).answers).toBe(false)
  await first.end()
  // The server sees the end a moment later than we do.
  while (!(await open(url, '127.0.0.1')).answers);
  expect((await open(url, '127.0.0.1')).answers).toBe(false)
})

test('with 0 an address may have any number, as a proxy needs', async () => {
  const { url } = await openGateway({ limits: { connectionsPerAddress: 0 } })
  for (let count = 0; count < 20; count += 1) expect((await open(url, '127.0.0.1')).answers).toBe(true)
})

test('an IPv6 network counts as one address, and an IPv4 address however it is written', () => {
  expect(sourceOf('2001:db8:1:2:3:4:5:6')).toBe(sourceOf('2001:db8:1:2::9'))
  expect(sourceOf('2001:db8:1:2::1')).not.toBe(sourceOf('2001:db8:1:3::1'))
  expect(sourceOf('::ffff:192.0.2.1')).toBe(sourceOf('192.0.2.1'))
  expect(sourceOf('192.0.2.1')).not.toBe(sourceOf('192.0.2.2'))
  expect(sourceOf(undefined)).toBe('')
})
