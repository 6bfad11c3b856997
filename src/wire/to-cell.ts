import type { InspectionMode } from '../core/inspection.ts'
import type { Engine, Reuse } from '../core/policy.ts'
import { type Frame, FrameError } from './frame.ts'
import type { FrameBatch } from './frame.ts'

/** What the host may say to a cell. */
export const TO_CELL = { boot: 1, assign: 2, artifact: 3, drop: 4, start: 5, answer: 6, cancel: 7, inspect: 8 } as const

/** First message of a cell's life, before it has a tenant. */
export interface Boot {
  /** Source of the guest runtime, evaluated in every new context. */
  readonly runtime: string
  /** Source of the web's own API, evaluated in a context whose guest asks for it. */
  readonly web: string
  readonly memoryMb: number
  /** Isolates to keep ready. */
  readonly isolates: number
  /** For a cell whose runs are inspected. */
  readonly inspection?: { readonly mode: InspectionMode; readonly origin: string }
}

/** Gives the cell to a tenant, for the rest of its life. Bounds of the guest runtime; the host checks them again. */
export interface Assignment {
  readonly tenant: string
  readonly memoryMb: number
  /** CPU time of a run. The host's to enforce; an inspected cell takes a profile before that. */
  readonly cpuMs: number
  readonly outputBytes: number
  readonly logBytes: number
  readonly logLines: number
  readonly pendingCalls: number
  readonly timers: number
  readonly runsMax: number
  readonly isolatesMax: number
  /** `announced`: the host is told of every entry before it begins, so that a cell that dies is known to have died of it. */
  readonly entries: 'batched' | 'announced'
  /** Names of the granted capabilities. What is not here does not exist in the guest. */
  readonly capabilities: readonly string[]
  readonly engine: Engine
}

/** Code, sent once to a cell and then named by `number`. */
export interface CellArtifact {
  readonly number: number
  readonly language: 'javascript' | 'typescript'
  readonly main: string
  readonly modules: readonly (readonly [name: string, source: string])[]
}

export interface Start {
  readonly artifact: number
  readonly reuse: Reuse
  readonly wallMs: number
  /** JSON text of what `context` shows to the guest. */
  readonly context: string
  /** JSON text in UTF-8. */
  readonly input: Uint8Array
}

export interface Answer {
  readonly call: number
  readonly ok: boolean
  /** JSON text: the value, or `{code, message}`. */
  readonly text: string
}

/** What a debugger wants of an inspected run. */
export type Inspect =
  /** A message of the Chrome DevTools Protocol. */
  { readonly kind: 'message'; readonly text: string } | { readonly kind: 'detach' }

const REUSES: readonly Reuse[] = ['function', 'context', 'run']
const EMPTY = new Uint8Array(0)
const START_HEAD_BYTES = 17
const ANSWER_HEAD_BYTES = 5

/** Writes the host's messages into a batch. The receiving half is {@link decodeToCell}. */
export const toCell = {
  boot: (batch: FrameBatch, { runtime, web, ...settings }: Boot): void =>
    batch.add(TO_CELL.boot, 0, EMPTY, encodeSources(runtime, web), `,${JSON.stringify(settings).slice(1)}`),
  assign: (batch: FrameBatch, assignment: Assignment): void =>
    batch.add(TO_CELL.assign, 0, EMPTY, JSON.stringify(assignment)),
  artifact: (batch: FrameBatch, artifact: CellArtifact): void =>
    batch.add(TO_CELL.artifact, 0, EMPTY, JSON.stringify(artifact)),
  drop: (batch: FrameBatch, artifact: number): void => batch.add(TO_CELL.drop, artifact, EMPTY),
  start: (batch: FrameBatch, run: number, start: Start): void => {
    const head = Buffer.allocUnsafe(START_HEAD_BYTES)
    head.writeUInt32BE(start.artifact, 0)
    head.writeUInt8(REUSES.indexOf(start.reuse), 4)
    head.writeDoubleBE(start.wallMs, 5)
    // The context is made of parsed ids and numbers only, hence ASCII: its length in UTF-16 units is its length in bytes.
    head.writeUInt32BE(start.context.length, 13)
    batch.add(TO_CELL.start, run, head, start.context, start.input)
  },
  answer: (batch: FrameBatch, run: number, answer: Answer): void => {
    const head = Buffer.allocUnsafe(ANSWER_HEAD_BYTES)
    head.writeUInt32BE(answer.call, 0)
    head.writeUInt8(answer.ok ? 1 : 0, 4)
    batch.add(TO_CELL.answer, run, head, answer.text)
  },
  cancel: (batch: FrameBatch, run: number): void => batch.add(TO_CELL.cancel, run, EMPTY),
  inspect: (batch: FrameBatch, run: number, inspect: Inspect): void =>
    batch.add(TO_CELL.inspect, run, EMPTY, JSON.stringify(inspect)),
}

let encoded = { runtime: '', web: '', bytes: Buffer.from('') }

/** The start of a boot message's object. All cells of a host get the same half a megabyte: it is encoded once. */
function encodeSources(runtime: string, web: string): Buffer {
  if (encoded.runtime !== runtime || encoded.web !== web || encoded.bytes.length === 0) {
    encoded = { runtime, web, bytes: Buffer.from(JSON.stringify({ runtime, web }).slice(0, -1)) }
  }
  return encoded.bytes
}

export type ToCell =
  | { readonly kind: 'boot'; readonly boot: Boot }
  | { readonly kind: 'assign'; readonly assignment: Assignment }
  | { readonly kind: 'artifact'; readonly artifact: CellArtifact }
  | { readonly kind: 'drop'; readonly artifact: number }
  | { readonly kind: 'start'; readonly run: number; readonly start: Omit<Start, 'input'> & { readonly input: string } }
  | { readonly kind: 'answer'; readonly run: number; readonly answer: Answer }
  | { readonly kind: 'cancel'; readonly run: number }
  | { readonly kind: 'inspect'; readonly run: number; readonly inspect: Inspect }

/** Reads a frame from the host, in the cell. The host is trusted; an unknown type is a mismatch of versions and throws. */
export function decodeToCell({ type, run, payload }: Frame): ToCell {
  switch (type) {
    case TO_CELL.boot:
      return { kind: 'boot', boot: JSON.parse(payload.toString('utf8')) as Boot }
    case TO_CELL.assign:
      return { kind: 'assign', assignment: JSON.parse(payload.toString('utf8')) as Assignment }
    case TO_CELL.artifact:
      return { kind: 'artifact', artifact: JSON.parse(payload.toString('utf8')) as CellArtifact }
    case TO_CELL.drop:
      return { kind: 'drop', artifact: run }
    case TO_CELL.start:
      return { kind: 'start', run, start: decodeStart(payload) }
    case TO_CELL.answer:
      return {
        kind: 'answer',
        run,
        answer: {
          call: payload.readUInt32BE(0),
          ok: payload.readUInt8(4) === 1,
          text: payload.toString('utf8', ANSWER_HEAD_BYTES),
        },
      }
    case TO_CELL.cancel:
      return { kind: 'cancel', run }
    case TO_CELL.inspect:
      return { kind: 'inspect', run, inspect: JSON.parse(payload.toString('utf8')) as Inspect }
    default:
      throw new FrameError(`unknown message type ${type}`)
  }
}

function decodeStart(payload: Buffer): Omit<Start, 'input'> & { input: string } {
  const contextEnd = START_HEAD_BYTES + payload.readUInt32BE(13)
  return {
    artifact: payload.readUInt32BE(0),
    reuse: REUSES[payload.readUInt8(4)] ?? 'run',
    wallMs: payload.readDoubleBE(5),
    context: payload.toString('utf8', START_HEAD_BYTES, contextEnd),
    input: payload.toString('utf8', contextEnd),
  }
}
