import { isUtf8 } from 'node:buffer'
import type { RunStatus } from '../core/outcome.ts'
import type { GuestError, LogLine } from '../core/run.ts'
import { type Frame, type FrameBatch, FrameError } from './frame.ts'
import {
  CALL_PAYLOAD_MAX,
  ERROR_PAYLOAD_MAX,
  INSPECTION_PAYLOAD_MAX,
  LOG_MESSAGE_MAX,
  OPERATION_MAX,
} from './limits.ts'

/** What a cell may say to the host. */
export const FROM_CELL = { ready: 1, entered: 2, yielded: 3, call: 4, log: 5, done: 6, inspected: 7 } as const

/** Endings that a cell may report. The others are the host's to decide. */
export const CELL_STATUSES = [
  'ok',
  'error',
  'timeout',
  'memory-exceeded',
  'output-exceeded',
  'cancelled',
  'suspended',
] as const satisfies readonly RunStatus[]
export type CellStatus = (typeof CELL_STATUSES)[number]

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLine['level'][]

/** What an inspected run may tell: a message of the Chrome DevTools Protocol, or its CPU profile as JSON. */
const INSPECTED = ['message', 'profile'] as const
export type Inspected = (typeof INSPECTED)[number]

const EMPTY = new Uint8Array(0)
const ERROR_FIELD_MAX = 16_384

export type FromCell =
  | { readonly kind: 'ready' }
  /** The cell is about to run code of this run. */
  | { readonly kind: 'entered'; readonly run: number }
  /** The run waits for an answer or a timer; the cell is free. */
  | { readonly kind: 'yielded'; readonly run: number }
  | {
      readonly kind: 'call'
      readonly run: number
      readonly call: number
      readonly operation: string
      readonly payload: string
    }
  | { readonly kind: 'log'; readonly run: number; readonly line: LogLine }
  /** `result` is a view into the receive buffer, to be copied: JSON text of the result for `ok`. */
  | {
      readonly kind: 'done'
      readonly run: number
      readonly status: CellStatus
      readonly cold: boolean
      readonly result: Buffer
      readonly error: GuestError | undefined
    }
  /** Only a cell that was started to be inspected may say it; its text is the guest's. */
  | { readonly kind: 'inspected'; readonly run: number; readonly what: Inspected; readonly text: string }

/** Writes a cell's messages into a batch, in the cell. */
export const fromCell = {
  ready: (batch: FrameBatch): void => batch.add(FROM_CELL.ready, 0, EMPTY),
  entered: (batch: FrameBatch, run: number): void => batch.add(FROM_CELL.entered, run, EMPTY),
  yielded: (batch: FrameBatch, run: number): void => batch.add(FROM_CELL.yielded, run, EMPTY),
  call: (batch: FrameBatch, run: number, call: number, operation: string, payload: string): void => {
    const head = Buffer.allocUnsafe(5)
    head.writeUInt32BE(call, 0)
    head.writeUInt8(operation.length, 4)
    batch.add(FROM_CELL.call, run, head, operation, payload)
  },
  log: (batch: FrameBatch, run: number, level: number, message: string): void =>
    batch.add(FROM_CELL.log, run, Uint8Array.of(level), message),
  done: (batch: FrameBatch, run: number, status: CellStatus, isolate: 'warm' | 'cold', text: string): void =>
    batch.add(FROM_CELL.done, run, Uint8Array.of(CELL_STATUSES.indexOf(status), isolate === 'cold' ? 1 : 0), text),
  inspected: (batch: FrameBatch, run: number, what: Inspected, text: string): void =>
    batch.add(FROM_CELL.inspected, run, Uint8Array.of(INSPECTED.indexOf(what)), text),
}

/**
 * Turns a frame from a cell into a message. The cell has run guest code: trust nothing in it. Throws FrameError for
 * whatever a cell of ours would not send; its sender is then killed.
 */
export function decodeFromCell({ type, run, payload }: Frame): FromCell {
  switch (type) {
    case FROM_CELL.ready:
      need(run === 0 && payload.length === 0, 'a cell is ready with more to say')
      return { kind: 'ready' }
    case FROM_CELL.entered:
      need(payload.length === 0, 'an entry has a payload')
      return { kind: 'entered', run }
    case FROM_CELL.yielded:
      need(payload.length === 0, 'the end of an entry has a payload')
      return { kind: 'yielded', run }
    case FROM_CELL.call:
      return decodeCall(run, payload)
    case FROM_CELL.log:
      return decodeLog(run, payload)
    case FROM_CELL.done:
      return decodeDone(run, payload)
    case FROM_CELL.inspected:
      return decodeInspected(run, payload)
    default:
      throw new FrameError(`unknown message type ${type}`)
  }
}

function decodeCall(run: number, payload: Buffer): FromCell {
  need(payload.length >= 5, 'a call is shorter than its head')
  const nameEnd = 5 + payload.readUInt8(4)
  need(nameEnd <= payload.length && nameEnd - 5 <= OPERATION_MAX, 'the name of an operation is too long')
  need(payload.length - nameEnd <= CALL_PAYLOAD_MAX, 'the arguments of a call are too long')
  return {
    kind: 'call',
    run,
    call: payload.readUInt32BE(0),
    operation: payload.toString('latin1', 5, nameEnd),
    payload: textOf(payload.subarray(nameEnd)),
  }
}

function decodeLog(run: number, payload: Buffer): FromCell {
  need(payload.length >= 1 && payload.length - 1 <= LOG_MESSAGE_MAX, 'a log message is too long')
  const level = LOG_LEVELS[payload.readUInt8(0)]
  if (level === undefined) throw new FrameError('a log message has no known level')
  return { kind: 'log', run, line: { level, message: textOf(payload.subarray(1)) } }
}

function decodeDone(run: number, payload: Buffer): FromCell {
  need(payload.length >= 2, 'an ending is shorter than its head')
  const status = CELL_STATUSES[payload.readUInt8(0)]
  if (status === undefined) throw new FrameError('an ending has no known status')
  const cold = payload.readUInt8(1)
  need(cold <= 1, 'an isolate is neither warm nor cold')
  const result = payload.subarray(2)
  need(status !== 'suspended' || result.length === 0, 'a run that waits has a result')
  const error = status === 'ok' || status === 'suspended' ? undefined : decodeError(result)
  return { kind: 'done', run, status, cold: cold === 1, result, error }
}

function decodeInspected(run: number, payload: Buffer): FromCell {
  need(payload.length >= 1 && payload.length - 1 <= INSPECTION_PAYLOAD_MAX, 'what an inspection tells is too long')
  const what = INSPECTED[payload.readUInt8(0)]
  if (what === undefined) throw new FrameError('what an inspection tells is unknown')
  return { kind: 'inspected', run, what, text: textOf(payload.subarray(1)) }
}

/** Rebuilds an error field by field, so that nothing else of the JSON that a cell sent lives on. */
function decodeError(text: Buffer): GuestError {
  need(text.length <= ERROR_PAYLOAD_MAX, 'an error is too long')
  const json = textOf(text)
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch {
    throw new FrameError('an error is not JSON')
  }
  return { name: field(parsed, 'name'), message: field(parsed, 'message'), stack: field(parsed, 'stack') }
}

function field(from: unknown, name: string): string {
  if (typeof from !== 'object' || from === null || !Object.hasOwn(from, name)) return ''
  const value = (from as Record<string, unknown>)[name]
  return typeof value === 'string' ? value.slice(0, ERROR_FIELD_MAX) : ''
}

/** A cell of ours writes strings, so all it sends is UTF-8. To repair what is not would take this thread far longer. */
function textOf(payload: Buffer): string {
  need(isUtf8(payload), 'a text is not UTF-8')
  return payload.toString('utf8')
}

function need(condition: boolean, complaint: string): void {
  if (!condition) throw new FrameError(complaint)
}
