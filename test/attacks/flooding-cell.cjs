// A cell that an attacker has taken over and that wants to keep its host busy: it says it is ready, waits for a run, and then
// sends without end what the run's input names. Any other input is answered politely.
const { Socket } = require('node:net')
const socket = new Socket({ fd: 3, readable: true, writable: true })
const frame = (type, run, payload = Buffer.alloc(0)) => {
  const head = Buffer.alloc(9)
  head.writeUInt32BE(5 + payload.length, 0)
  head.writeUInt8(type, 4)
  head.writeUInt32BE(run, 5)
  return Buffer.concat([head, payload])
}
const repeated = (one, bytes) =>
  Buffer.concat(Array.from({ length: Math.max(1, Math.floor(bytes / one.length)) }, () => one))
const call = (run, number, operation, payload) => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(number, 0)
  head.writeUInt8(operation.length, 4)
  return frame(4, run, Buffer.concat([head, Buffer.from(operation), Buffer.from(payload)]))
}
/** Sends the same bytes for ever, as fast as they are taken. */
const sendForever = (bytes) => {
  while (socket.write(bytes));
  socket.once('drain', () => sendForever(bytes))
}
/** Calls for ever; `pending` of them wait at any time, so that none is a breach of the protocol. */
const callForever = (run, pending, operation, payload) => {
  let number = 0
  const next = () => socket.write(call(run, ++number, operation, payload))
  onAnswer = next
  for (let index = 0; index < pending; index += 1) next()
}
let onAnswer = () => {}
/* eslint-disable sort-keys */
const FLOODS = {
  entered: (run) => sendForever(repeated(frame(2, run), 1 << 16)),
  yielded: (run) => sendForever(repeated(frame(3, run), 1 << 16)),
  'entered and yielded': (run) => sendForever(repeated(Buffer.concat([frame(2, run), frame(3, run)]), 1 << 16)),
  // One system call a frame: the host is woken for each.
  'one frame at a time': (run) => {
    const one = frame(2, run)
    const more = () => {
      for (let index = 0; index < 100; index += 1) socket.write(one)
      if (socket.writableNeedDrain) socket.once('drain', more)
      else setImmediate(more)
    }
    more()
  },
  calls: (run) => callForever(run, 200, 'nothing.here', '[]'),
  'large calls': (run) => callForever(run, 200, 'nothing.here', 'x'.repeat(6 << 20)),
  'empty log lines': (run) => sendForever(repeated(frame(5, run, Buffer.from([1])), 1 << 16)),
  'a frame without an end': (run) => {
    socket.write(frame(6, run, Buffer.alloc(24 << 20)).subarray(0, 20))
    sendForever(Buffer.alloc(1))
  },
  // It asks, and never reads what it is answered.
  'calls without reading': (run) => {
    let number = 0
    socket.pause()
    const asked = Array.from({ length: 250 }, () => call(run, (number += 1), 'kv.get', '["large"]'))
    socket.write(Buffer.concat(asked))
    setInterval(() => {}, 1_000)
  },
}
let buffered = Buffer.alloc(0)
socket.on('data', (chunk) => {
  buffered = Buffer.concat([buffered, chunk])
  while (buffered.length >= 9 && buffered.length >= buffered.readUInt32BE(0) + 4) {
    const end = buffered.readUInt32BE(0) + 4
    const [type, run, payload] = [buffered.readUInt8(4), buffered.readUInt32BE(5), buffered.subarray(9, end)]
    buffered = buffered.subarray(end)
    if (type === 1) socket.write(frame(1, 0))
    if (type === 6) onAnswer()
    if (type === 5) {
      // The input stands at the end of a start's payload, as a JSON string.
      const flood = FLOODS[/"([^"]*)"$/.exec(payload.toString('latin1'))?.[1]]
      if (flood !== undefined) flood(run)
      else socket.write(frame(6, run, Buffer.from('\0\x001')))
    }
  }
})
socket.on('close', () => process.exit(0))
