import type { Worker } from 'node:worker_threads'
import type { Clock } from '../../core/clock.ts'
import { CloisterError } from '../../core/errors.ts'
import { emit } from '../../core/events.ts'
import type { Millis } from '../../core/quantity.ts'
import {
  type Answer,
  CLOSE,
  type CommandInput,
  type CommandKind,
  type CommandOutput,
  LINE_END,
  commandLine,
  isPost,
} from './commands.ts'

/** Commands in one transaction: bounds how long a commit takes and how long a read of the past is held up. */
const BATCH_COMMANDS_MAX = 1_024
const BATCH_LENGTH_MAX = 4 << 20

interface Parts {
  /** Runs writer.ts and has said that it is ready. */
  readonly thread: Worker
  readonly clock: Clock
  /** Commands that may wait, those in the writer's hands included. */
  readonly commandsMax: number
  /** Length of all waiting commands together, in UTF-16 code units. */
  readonly lengthMax: number
  /** Told once, if the thread ends without being asked to. */
  readonly onFailure: (error: CloisterError) => void
}

interface Waiter {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: CloisterError) => void
}

interface Sent {
  readonly waiters: readonly Waiter[]
  readonly length: number
  readonly posts: number
  readonly at: Millis
}

/**
 * The host's end of the writer's thread. Commands that are made in one turn of the event loop, or while the writer is
 * busy, go together and share one commit. A promise resolves after that commit and rejects if there is none.
 *
 * Invariant: every promise settles, also when the writer dies; nothing waits beyond the bounds, past which commands are
 * refused as OVERLOADED.
 */
export class WriteQueue implements AsyncDisposable {
  readonly #thread: Worker
  readonly #clock: Clock
  readonly #commandsMax: number
  readonly #lengthMax: number
  readonly #onFailure: (error: CloisterError) => void
  #lines: string[] = []
  #waiters: Waiter[] = []
  #length = 0
  #sent: Sent | undefined
  #isScheduled = false
  /** Why nothing is taken any more. */
  #refusal: CloisterError | undefined
  #onIdle: (() => void) | undefined
  #closing: Promise<void> | undefined
  #fault: unknown
  readonly #exited: Promise<void>

  constructor({ thread, clock, commandsMax, lengthMax, onFailure }: Parts) {
    this.#thread = thread
    this.#clock = clock
    this.#commandsMax = commandsMax
    this.#lengthMax = lengthMax
    this.#onFailure = onFailure
    const exited = Promise.withResolvers<void>()
    this.#exited = exited.promise
    thread.on('message', (answer: Answer) => this.#settle(answer))
    thread.on('error', (error) => (this.#fault = error))
    thread.on('exit', () => {
      this.#die()
      exited.resolve()
    })
    // An open store keeps no process alive; a write that waits does.
    thread.unref()
  }

  /** Writes one command and gives back what it answers. */
  write<Kind extends CommandKind>(kind: Kind, input: CommandInput<Kind>): Promise<CommandOutput<Kind>> {
    return this.enqueue(commandLine(kind, input)) as Promise<CommandOutput<Kind>>
  }

  /** Writes one line; see commands.ts. */
  enqueue(line: string): Promise<unknown> {
    const refusal = this.#refusal ?? this.#overload(line)
    if (refusal !== undefined) return Promise.reject(refusal)
    this.#lines.push(line)
    this.#length += line.length
    this.#schedule()
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  /** Refuses what comes from now on, waits for what is waiting, then ends the thread, which closes the database. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #overload(line: string): CloisterError | undefined {
    const commands = this.#waiters.length + (this.#sent?.waiters.length ?? 0)
    if (commands < this.#commandsMax && this.#length + line.length <= this.#lengthMax) return undefined
    return new CloisterError('OVERLOADED', `${commands} writes wait for the store already`)
  }

  #schedule(): void {
    if (this.#isScheduled || this.#sent !== undefined) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#send()
    })
  }

  #send(): void {
    const count = this.#batchSize()
    if (count === 0) return
    const isAll = count === this.#lines.length
    const lines = isAll ? this.#lines : this.#lines.splice(0, count)
    const waiters = isAll ? this.#waiters : this.#waiters.splice(0, count)
    if (isAll) {
      this.#lines = []
      this.#waiters = []
    }
    let length = 0
    let posts = 0
    for (const line of lines) {
      length += line.length
      if (isPost(line)) posts += 1
    }
    this.#sent = { waiters, length, posts, at: this.#clock.elapsed() }
    this.#thread.ref()
    this.#thread.postMessage(lines.join(LINE_END))
  }

  #batchSize(): number {
    let length = 0
    let count = 0
    for (const line of this.#lines) {
      length += line.length
      if (count === BATCH_COMMANDS_MAX || (count > 0 && length > BATCH_LENGTH_MAX)) break
      count += 1
    }
    return count
  }

  #settle({ results, refusals, failure }: Answer): void {
    const sent = this.#sent
    if (sent === undefined) return
    this.#sent = undefined
    this.#length -= sent.length
    this.#thread.unref()
    if (failure !== undefined) {
      for (const waiter of sent.waiters) waiter.reject(internal('the store failed to commit', failure))
    } else {
      // Those listed settle first; settling them again with the rest has no effect.
      for (const { place, code, message, cause } of refusals) {
        sent.waiters[place]?.reject(new CloisterError(code, message, { cause }))
      }
      for (const [place, value] of results) sent.waiters[place]?.resolve(value)
      for (const waiter of sent.waiters) waiter.resolve(undefined)
      if (sent.posts > 0) this.#announce(sent)
    }
    if (this.#lines.length > 0) this.#schedule()
    else this.#onIdle?.()
  }

  #announce({ posts, at }: Sent): void {
    emit('ledger.committed', { records: posts, commitMs: this.#clock.elapsed() - at })
  }

  #die(): void {
    const failure = this.#refusal === undefined ? internal('the store has stopped', this.#fault) : undefined
    this.#refusal ??= failure
    const waiters = [...(this.#sent?.waiters ?? []), ...this.#waiters]
    this.#sent = undefined
    this.#lines = []
    this.#waiters = []
    this.#length = 0
    for (const waiter of waiters) waiter.reject(internal('the store stopped before it answered', this.#fault))
    this.#onIdle?.()
    if (failure !== undefined) this.#onFailure(failure)
  }

  async #close(): Promise<void> {
    this.#refusal ??= new CloisterError('DRAINING', 'the store is closed')
    if (this.#sent !== undefined || this.#lines.length > 0) {
      await new Promise<void>((resolve) => (this.#onIdle = resolve))
    }
    this.#thread.ref()
    this.#thread.postMessage(CLOSE)
    await this.#exited
    if (this.#fault !== undefined) throw internal('the store did not close cleanly', this.#fault)
  }
}

function internal(message: string, cause: unknown): CloisterError {
  return new CloisterError('INTERNAL', message, { cause })
}
