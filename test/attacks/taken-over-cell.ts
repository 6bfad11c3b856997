import { Socket } from 'node:net'
import { loadIsolatedVm } from '../../src/cell/addon.ts'
import { readArguments } from '../../src/cell/arguments.ts'
import { lockDown } from '../../src/cell/lockdown.ts'
import { architectureOf } from '../../src/kernel/architecture.ts'
import { openLibc } from '../../src/kernel/libc.ts'
import { FrameBatch, FrameReader } from '../../src/wire/frame.ts'
import { fromCell } from '../../src/wire/from-cell.ts'
import { TO_CELL_PAYLOAD_MAX } from '../../src/wire/limits.ts'
import { decodeToCell } from '../../src/wire/to-cell.ts'

/**
 * A cell that a guest has got the better of: started and locked in exactly as any other, it runs what its tenant
 * submits as the body of an async function in the cell's own realm, with Node's modules, the C library as native code
 * would have it, and the socket to the host in its hands.
 */
const { addon, lockdown } = readArguments(process.argv.slice(2))
loadIsolatedVm(addon)
const libc = openLibc()
const architecture = architectureOf(process.arch)
/** Addresses of memory can be had no more once the cell is locked in. */
const scratch = Buffer.alloc(1 << 16)
const scratchAddress = libc?.address(scratch) ?? 0n
const socket = new Socket({ fd: 3, readable: true, writable: true })
lockDown(libc, lockdown)

const native = {
  /** Makes a system call by its name; strings are passed by address. Returns the result, or the error's number below 0. */
  call(name: string, ...args: (number | bigint | string)[]): number {
    let at = 0
    const numbers = args.map((arg) => {
      if (typeof arg !== 'string') return arg
      const address = scratchAddress + BigInt(at)
      at += scratch.write(`${arg}\0`, at)
      return address
    })
    const result = libc?.syscall(architecture?.number(name as never) ?? -1, ...numbers) ?? -38
    return result < 0 ? -(libc?.errno() ?? 38) : result
  },
  scratch,
  scratchAddress,
}

const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (...args: unknown[]) => Promise<unknown>
const reader = new FrameReader(TO_CELL_PAYLOAD_MAX)
const sources = new Map<number, string>()

const send = (write: (batch: FrameBatch) => void): void => {
  const batch = new FrameBatch()
  write(batch)
  socket.write(batch.take())
}

socket.on('data', (chunk: Buffer) => {
  reader.push(chunk, (frame) => {
    const message = decodeToCell(frame)
    if (message.kind === 'boot') send((batch) => fromCell.ready(batch))
    if (message.kind === 'artifact') sources.set(message.artifact.number, message.artifact.modules[0]?.[1] ?? '')
    if (message.kind === 'start')
      void attack(message.run, sources.get(message.start.artifact) ?? '', message.start.input)
  })
})

async function attack(run: number, source: string, input: string): Promise<void> {
  send((batch) => fromCell.entered(batch, run))
  let text: string
  try {
    const body = new AsyncFunction('input', 'native', 'node', 'wire', source)
    const wire = { socket, run, send: (write: (batch: FrameBatch) => void) => send(write), fromCell }
    text = JSON.stringify((await body(JSON.parse(input), native, process.getBuiltinModule, wire)) ?? null)
  } catch (error) {
    text = JSON.stringify(`thrown: ${String(error)}`)
  }
  send((batch) => fromCell.done(batch, run, 'ok', 'warm', text))
}
