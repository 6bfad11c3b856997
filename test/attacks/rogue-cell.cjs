// A cell that an attacker has taken over: it says it is ready, waits for a run, and then sends what it is told to.
const { Socket } = require('node:net')
const socket = new Socket({ fd: 3, readable: true, writable: true })
const frame = (type, run, payload = Buffer.alloc(0)) => {
  const head = Buffer.alloc(9)
  head.writeUInt32BE(5 + payload.length, 0)
  head.writeUInt8(type, 4)
  head.writeUInt32BE(run, 5)
  return Buffer.concat([head, payload])
}
const done = (status, text, run) => frame(6, run, Buffer.concat([Buffer.from([status, 0]), Buffer.from(text)]))
/* eslint-disable sort-keys */
const LIES = {
  garbage: () => Buffer.from('this is not the protocol at all, but quite long'),
  'garbage from a run': (run) =>
    Buffer.concat([frame(2, run), Buffer.from('this is not the protocol either, though long')]),
  'huge frame': () => Buffer.from([0xff, 0xff, 0xff, 0xff, 6, 0, 0, 0, 1, 0]),
  'unknown type': (run) => frame(99, run),
  'unknown run': () => done(0, '1', 4_000_000),
  'ready twice': () => frame(1, 0),
  'unknown status': (run) => done(77, '1', run),
  'cancelled by nobody': (run) => Buffer.concat([frame(2, run), done(5, '{"name":"","message":"","stack":""}', run)]),
  'suspended for nobody': (run) => Buffer.concat([frame(2, run), done(6, '', run)]),
  'error that is not JSON': (run) => done(1, 'nope', run),
  'calls out of order': (run) => frame(4, run, Buffer.concat([Buffer.from([0, 0, 0, 9, 6]), Buffer.from('kv.get[]')])),
  'inspection unasked': (run) => frame(7, run, Buffer.from('\0{}')),
  'more logs than allowed': (run) =>
    Buffer.concat(Array.from({ length: 5_000 }, () => frame(5, run, Buffer.from('\x01line')))),
}
let buffered = Buffer.alloc(0)
socket.on('data', (chunk) => {
  buffered = Buffer.concat([buffered, chunk])
  while (buffered.length >= 9 && buffered.length >= buffered.readUInt32BE(0) + 4) {
    const end = buffered.readUInt32BE(0) + 4
    const [type, run, payload] = [buffered.readUInt8(4), buffered.readUInt32BE(5), buffered.subarray(9, end)]
    buffered = buffered.subarray(end)
    if (type === 1) socket.write(frame(1, 0))
    // The input of a start names the lie; it stands at the end of the payload as a JSON string.
    if (type === 5) {
      const lie = JSON.parse(/"[^"]*"$/.exec(payload.toString('latin1'))[0])
      if (LIES[lie] !== undefined) socket.write(LIES[lie](run))
      else if (lie === 'an await') socket.write(Buffer.concat([frame(2, run), frame(3, run)]))
      else if (lie === 'no time at all') setTimeout(() => socket.write(done(0, '1', run)), 300)
      else socket.write(done(0, '1', run))
    }
  }
})
socket.on('close', () => process.exit(0))
