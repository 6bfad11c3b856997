import { Duplex } from 'node:stream'
import { systemClock } from '../../src/core/clock.ts'
import { parseTenantId } from '../../src/core/ids.ts'
import { bytes } from '../../src/core/quantity.ts'
import type { Session } from '../../src/core/run.ts'
import { Cell } from '../../src/pool/cell.ts'
import type { CellGuard } from '../../src/pool/guard.ts'
import type { ProcessEnd } from '../../src/pool/death.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { FrameBatch } from '../../src/wire/frame.ts'
import { fromCell } from '../../src/wire/from-cell.ts'
import { ticketOf } from '../scheduler/ticket.ts'
import type { Random } from './gate.ts'

const POLICY = loadPolicies([]).resolve('default')

/** The host's side of a cell that has runs, over a socket that only its holder writes to: no process is behind it. */
export async function openFakeCell(runs: number) {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  let isKilled = false
  const { promise: ended, resolve: end } = Promise.withResolvers<ProcessEnd>()
  // Nothing is measured of it.
  const guard = new Proxy({} as CellGuard, {
    get: (_, name) => (name === 'killedFor' ? undefined : name === 'peakBytes' ? 0 : () => 0),
  })
  const cell = new Cell({
    process: { pid: 1, socket, ended, kill: () => void (isKilled = true) },
    guard,
    clock: systemClock,
    walls: 'C',
    boot: { runtime: '', web: '', memoryMb: 1, isolates: 1 },
    onEnd: () => {},
    onProgress: () => {},
  })
  const tenant = parseTenantId('ann')
  if (tenant === undefined) throw new Error('ann is no tenant')
  socket.push(framed((batch) => fromCell.ready(batch)))
  await cell.ready
  cell.assign(tenant, POLICY, 'batched')
  const reports: unknown[] = []
  const calls: unknown[] = []
  for (let run = 1; run <= runs; run += 1) {
    void cell.run(run, ticketOf('ann', POLICY), sessionInto(calls)).then(
      (report) => reports.push(report),
      (error: unknown) => reports.push(error),
    )
  }
  return {
    socket,
    fate: () => (isKilled ? 'killed for what was sent' : reports.length > 0 ? 'a run ended' : 'still listened to'),
    /** What must not be, whatever was sent. */
    faults(): readonly string[] {
      const wrong = calls.every((part) => typeof part === 'string') ? [] : ['a call was handed on that is no text']
      return reports.length > runs ? [...wrong, 'a run has had more than one report'] : wrong
    },
    end: () => end({ code: 0, signal: null, lastWords: '' }),
  }
}

/** What a cell that has two runs could say, more or less in order. */
export function plausibleMessages(random: Random): readonly Buffer[] {
  const calls = [0, 0]
  return Array.from({ length: 1 + random(12) }, () => {
    const run = random(2)
    return framed((batch) => {
      const say = [
        () => fromCell.entered(batch, run + 1),
        () => fromCell.yielded(batch, run + 1),
        () => fromCell.log(batch, run + 1, random(4), 'a line'),
        () => fromCell.call(batch, run + 1, (calls[run] = (calls[run] ?? 0) + 1), 'kv.get', '["key"]'),
        () => random(3) === 0 && fromCell.done(batch, run + 1, 'ok', 'warm', '1'),
      ]
      say[random(say.length)]?.()
    })
  }).filter(({ length }) => length > 0)
}

function sessionInto(calls: unknown[]): Session {
  return {
    operations: {},
    traffic: { egress: bytes(0), ingress: bytes(0) },
    hadEffects: false,
    async call(operation, payload) {
      calls.push(operation, payload)
      return { ok: true, text: '1' }
    },
    [Symbol.dispose]() {},
  }
}

function framed(write: (batch: FrameBatch) => void): Buffer {
  const batch = new FrameBatch()
  write(batch)
  return batch.take()
}
