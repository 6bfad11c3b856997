import fc from 'fast-check'
import type { FrameBatch } from '../../src/wire/frame.ts'
import { CELL_STATUSES, type FromCell, LOG_LEVELS, fromCell } from '../../src/wire/from-cell.ts'
import { type Assignment, type Boot, type CellArtifact, type ToCell, toCell } from '../../src/wire/to-cell.ts'

/** A message, how it is written, and what its reader must make of it. */
export interface Sample<Message> {
  readonly write: (batch: FrameBatch) => void
  readonly expected: Message
}

const u32 = fc.nat({ max: 0xffff_ffff })
const flag = fc.boolean()
/** Any text that has a UTF-8 form. */
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: 'grapheme', maxLength: 40 }))
/** Any text that JavaScript can hold, halves of surrogate pairs included: JSON carries it. */
const anyText = fc.array(fc.nat({ max: 0xffff }), { maxLength: 60 }).map((units) => String.fromCharCode(...units))
const ascii = (maxLength: number) => fc.string({ unit: 'binary-ascii', maxLength })

const boot: fc.Arbitrary<Boot> = fc.record(
  {
    runtime: anyText,
    web: anyText,
    memoryMb: u32,
    isolates: u32,
    inspection: fc.record({ mode: fc.constantFrom('debugger', 'profile'), origin: anyText }),
  },
  { requiredKeys: ['runtime', 'web', 'memoryMb', 'isolates'] },
)
const assignment: fc.Arbitrary<Assignment> = fc.record({
  tenant: anyText,
  memoryMb: u32,
  cpuMs: u32,
  outputBytes: u32,
  logBytes: u32,
  logLines: u32,
  pendingCalls: u32,
  timers: u32,
  runsMax: u32,
  isolatesMax: u32,
  entries: fc.constantFrom('batched', 'announced'),
  capabilities: fc.array(anyText, { maxLength: 5 }),
  engine: fc.record({
    jit: flag,
    wasm: flag,
    eval: flag,
    temporal: flag,
    clock: fc.constantFrom('frozen', 'live'),
    sharedMemory: flag,
  }),
})
const artifact: fc.Arbitrary<CellArtifact> = fc.record({
  number: u32,
  language: fc.constantFrom('javascript', 'typescript'),
  main: anyText,
  modules: fc.array(fc.tuple(anyText, anyText), { maxLength: 5 }),
})
const start = fc.record({
  artifact: u32,
  reuse: fc.constantFrom('function', 'context', 'run'),
  wallMs: fc.double({ noNaN: true }),
  context: ascii(100),
  input: fc.json({ stringUnit: 'binary' }),
})

/** Every message of the host. */
export const hostMessages: fc.Arbitrary<Sample<ToCell>> = fc.oneof(
  boot.map((value) => ({
    write: (batch: FrameBatch) => toCell.boot(batch, value),
    expected: { kind: 'boot', boot: value } as const,
  })),
  assignment.map((value) => ({
    write: (batch: FrameBatch) => toCell.assign(batch, value),
    expected: { kind: 'assign', assignment: value } as const,
  })),
  artifact.map((value) => ({
    write: (batch: FrameBatch) => toCell.artifact(batch, value),
    expected: { kind: 'artifact', artifact: value } as const,
  })),
  u32.map((number) => ({
    write: (batch: FrameBatch) => toCell.drop(batch, number),
    expected: { kind: 'drop', artifact: number } as const,
  })),
  fc.tuple(u32, start).map(([run, value]) => ({
    write: (batch: FrameBatch) => toCell.start(batch, run, { ...value, input: Buffer.from(value.input) }),
    expected: { kind: 'start', run, start: value } as const,
  })),
  fc.tuple(u32, fc.record({ call: u32, ok: flag, text })).map(([run, answer]) => ({
    write: (batch: FrameBatch) => toCell.answer(batch, run, answer),
    expected: { kind: 'answer', run, answer } as const,
  })),
  u32.map((run) => ({
    write: (batch: FrameBatch) => toCell.cancel(batch, run),
    expected: { kind: 'cancel', run } as const,
  })),
  fc
    .tuple(
      u32,
      fc.oneof(
        anyText.map((said) => ({ kind: 'message', text: said }) as const),
        fc.constant({ kind: 'detach' } as const),
      ),
    )
    .map(([run, inspect]) => ({
      write: (batch: FrameBatch) => toCell.inspect(batch, run, inspect),
      expected: { kind: 'inspect', run, inspect } as const,
    })),
)

/** What a cell's ending says without its bytes, which are a view into a buffer. */
export type Comparable = Exclude<FromCell, { kind: 'done' }> | (Omit<FromCell & { kind: 'done' }, 'result'> & Text)
interface Text {
  readonly text: string
}

/** Every message of a cell. */
export const cellMessages: fc.Arbitrary<Sample<Comparable>> = fc.oneof(
  fc.constant({ write: (batch: FrameBatch) => fromCell.ready(batch), expected: { kind: 'ready' } as const }),
  u32.map((run) => ({
    write: (batch: FrameBatch) => fromCell.entered(batch, run),
    expected: { kind: 'entered', run } as const,
  })),
  u32.map((run) => ({
    write: (batch: FrameBatch) => fromCell.yielded(batch, run),
    expected: { kind: 'yielded', run } as const,
  })),
  fc.record({ run: u32, call: u32, operation: ascii(64), payload: text }).map((value) => ({
    write: (batch: FrameBatch) => fromCell.call(batch, value.run, value.call, value.operation, value.payload),
    expected: { kind: 'call', ...value } as const,
  })),
  fc.record({ run: u32, level: fc.constantFrom(...LOG_LEVELS), message: text }).map(({ run, level, message }) => ({
    write: (batch: FrameBatch) => fromCell.log(batch, run, LOG_LEVELS.indexOf(level), message),
    expected: { kind: 'log', run, line: { level, message } } as const,
  })),
  fc.record({ run: u32, what: fc.constantFrom('message', 'profile'), text }).map((value) => ({
    write: (batch: FrameBatch) => fromCell.inspected(batch, value.run, value.what, value.text),
    expected: { kind: 'inspected', ...value } as const,
  })),
  fc.record({ run: u32, cold: flag, text }).map(({ run, cold, text: result }) => ({
    write: (batch: FrameBatch) => fromCell.done(batch, run, 'ok', cold ? 'cold' : 'warm', result),
    expected: { kind: 'done', run, status: 'ok', cold, error: undefined, text: result } as const,
  })),
  fc.record({ run: u32, cold: flag }).map(({ run, cold }) => ({
    write: (batch: FrameBatch) => fromCell.done(batch, run, 'suspended', cold ? 'cold' : 'warm', ''),
    expected: { kind: 'done', run, status: 'suspended', cold, error: undefined, text: '' } as const,
  })),
  fc
    .record({
      run: u32,
      cold: flag,
      status: fc.constantFrom(...CELL_STATUSES.filter((status) => status !== 'ok' && status !== 'suspended')),
      error: fc.record({ name: anyText, message: anyText, stack: anyText }),
    })
    .map(({ run, cold, status, error }) => ({
      write: (batch: FrameBatch) => fromCell.done(batch, run, status, cold ? 'cold' : 'warm', JSON.stringify(error)),
      expected: { kind: 'done', run, status, cold, error, text: JSON.stringify(error) } as const,
    })),
)

/** A message from a cell in a form that can be compared, also after the receive buffer has been used again. */
export function comparable(message: FromCell): Comparable {
  if (message.kind !== 'done') return message
  const { result, ...rest } = message
  return { ...rest, text: result.toString('utf8') }
}

/** Cuts bytes into chunks whose sizes come from `sizes`, over and over. */
export function* chunksOf(whole: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < whole.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    // A copy each, as a socket gives: nothing may rely on the chunks being neighbours in memory.
    yield Buffer.from(whole.subarray(at, at + size))
    at += size
  }
}
