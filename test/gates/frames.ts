import fc from 'fast-check'
import { type Frame, FrameBatch, FrameError, FrameReader, HEADER_BYTES } from '../../src/wire/frame.ts'
import { FROM_CELL, decodeFromCell } from '../../src/wire/from-cell.ts'
import { FROM_CELL_PAYLOAD_MAX } from '../../src/wire/limits.ts'
import { cellMessages, hostMessages } from '../wire/messages.ts'
import { openFakeCell, plausibleMessages } from './fake-cell.ts'
import { type Effort, type Gate, type GateResult, type Random, Tally, randomOf } from './gate.ts'
import { inChunks, mutateFrame, mutateSome, mutateStream } from './mutate.ts'

const TRIALS = { full: 1_000_000, short: 20_000 }
/** One in so many trials is a stream, one in so many of those is sent to the host's side of a cell. */
const STREAM_EVERY = 10
const CELL_EVERY = 5
const KINDS = new Set(Object.keys(FROM_CELL))
const PROTOTYPE = Object.getOwnPropertyNames(Object.prototype).join()

/** Bytes of a hostile cell, into the reader, the decoder, and a cell of the pool. */
export const frames: Gate = {
  name: 'frames',
  about: 'changed, cut, spliced and random frames and streams, into reader, decoder and the host’s side of a cell',
  async run(effort) {
    return await new FrameFuzz(effort).run()
  },
}

class FrameFuzz {
  readonly #effort: Effort
  readonly #random: Random
  readonly #tally = new Tally()
  readonly #violations: string[] = []
  readonly #samples: readonly Buffer[]
  #heldMax = 0

  constructor(effort: Effort) {
    this.#effort = effort
    this.#random = randomOf(effort.seed)
    this.#samples = sampleFrames(effort.seed)
  }

  async run(): Promise<GateResult> {
    const trials = this.#effort.trials ?? TRIALS[this.#effort.form]
    for (let trial = 1; trial <= trials; trial += 1) {
      if (trial % STREAM_EVERY !== 0) this.#tryFrame(trial)
      else if (trial % (STREAM_EVERY * CELL_EVERY) !== 0) this.#tryStream(trial)
      else await this.#tryCell(trial)
      if (trial % 100_000 === 0) this.#effort.note(`${trial} of ${trials}`)
    }
    if (Object.getOwnPropertyNames(Object.prototype).join() !== PROTOTYPE)
      this.#violations.push('Object.prototype was changed')
    return {
      figures: [
        { name: 'trials', value: trials },
        ...this.#tally.figures,
        { name: 'most bytes held by a reader', value: this.#heldMax, atMost: FROM_CELL_PAYLOAD_MAX + HEADER_BYTES },
      ],
      violations: this.#violations,
    }
  }

  #tryFrame(trial: number): void {
    const changed = mutateFrame(this.#pick(), this.#random, this.#pick())
    this.#guarded(trial, changed, 'frame', () => {
      const type = changed.readUInt8(4)
      decodeChecked({ type, run: changed.readUInt32BE(5), payload: changed.subarray(HEADER_BYTES) })
    })
  }

  #tryStream(trial: number): void {
    const stream = mutateStream(this.#samples, this.#random)
    const reader = new FrameReader(FROM_CELL_PAYLOAD_MAX)
    this.#guarded(trial, stream, 'stream', () => {
      for (const chunk of inChunks(stream, this.#random)) {
        reader.push(chunk, decodeChecked)
        this.#heldMax = Math.max(this.#heldMax, reader.held)
      }
    })
  }

  /** What a cell of the pool is told must come to one end: its run goes on, has its report, or its process is killed. */
  async #tryCell(trial: number): Promise<void> {
    const cell = await openFakeCell(2)
    const stream = mutateSome(plausibleMessages(this.#random), this.#random, 8, () => this.#pick())
    try {
      for (const chunk of inChunks(stream, this.#random)) cell.socket.push(chunk)
      await new Promise((resolve) => setImmediate(resolve))
      this.#tally.add(`cells: ${cell.fate()}`)
      for (const fault of cell.faults()) this.#violations.push(`${fault}: trial ${trial}, seed ${this.#effort.seed}`)
    } catch (error) {
      this.#violations.push(`the cell threw ${String(error)}: ${stream.toString('hex').slice(0, 400)}`)
    }
    cell.end()
  }

  #guarded(trial: number, input: Buffer, what: string, action: () => void): void {
    try {
      action()
      this.#tally.add(`${what}s accepted`)
    } catch (error) {
      if (error instanceof FrameError) this.#tally.add(`${what}s refused`)
      else this.#violations.push(`${String(error)} by trial ${trial}: ${input.toString('hex').slice(0, 400)}`)
    }
  }

  #pick(): Buffer {
    return this.#samples[this.#random(this.#samples.length)] as Buffer
  }
}

function decodeChecked(frame: Frame): void {
  const message = decodeFromCell(frame)
  if (!KINDS.has(message.kind) || Object.getPrototypeOf(message) !== Object.prototype) {
    throw new Error(`something was handed on that is no message: ${JSON.stringify(message).slice(0, 200)}`)
  }
}

/** Whole frames that a cell, or a host, of ours would send. */
function sampleFrames(seed: number): readonly Buffer[] {
  const whole = (write: (batch: FrameBatch) => void): Buffer => {
    const batch = new FrameBatch()
    write(batch)
    return batch.take()
  }
  const ours = fc.sample(cellMessages, { numRuns: 1_500, seed })
  return [...ours, ...fc.sample(hostMessages, { numRuns: 200, seed })].map(({ write }) => whole(write))
}
