import type { Clock } from '../../core/clock.ts'
import {
  type ExecutionStore,
  type JournalEntry,
  JournalError,
  type RunJournal,
  type StepAnswer,
  type StepRequest,
} from '../../core/durable.ts'
import type { RunId } from '../../core/ids.ts'
import type { DurableGrant } from '../../core/policy.ts'
import { type EpochMillis, epochMillis } from '../../core/quantity.ts'

interface Parts {
  readonly clock: Clock
  readonly store: Pick<ExecutionStore, 'record' | 'takeEvent'>
  readonly id: RunId
  /** The version that runs. */
  readonly version: number
  readonly grant: DurableGrant
  readonly entries: readonly JournalEntry[]
}

/** Longest pause between two tries of a step. */
const BACKOFF_MS_MAX = 3_600_000

/**
 * The journal of an execution during one run of it.
 *
 * A step is known by its name and number, so branches that go on side by side may come to theirs in any order. One that is new
 * while the journal has others that the code has not come to is parked: another branch may come to those. If none does before
 * the run comes to rest, the code no longer matches the journal.
 *
 * Invariant: what the code is given as done is committed.
 */
export class ExecutionJournal implements RunJournal {
  readonly #parts: Parts
  readonly #entries: Map<string, JournalEntry>
  /** What the code has not come to yet. */
  readonly #ahead: Set<string>
  readonly #parked = new Map<string, StepRequest>()
  readonly #plans = new Map<string, Pick<StepRequest, 'retries' | 'backoff'>>()
  /** What is in the store. */
  readonly #written: Set<string>
  #size: number
  #places: number
  #recorded = 0
  #mismatch: string | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#entries = new Map(parts.entries.map((entry) => [entry.id, entry]))
    this.#ahead = new Set(this.#entries.keys())
    this.#written = new Set(this.#entries.keys())
    this.#size = parts.entries.reduce((sum, { value = '' }) => sum + Buffer.byteLength(value), 0)
    this.#places = parts.entries.reduce((most, { place }) => Math.max(most, place), 0)
  }

  /** Entries that this run has written: it has come further. */
  get recorded(): number {
    return this.#recorded
  }

  /** When the execution goes on by itself, as far as its waits go. */
  get dueAt(): EpochMillis | undefined {
    const times = [...this.#entries.values()].flatMap(({ state, dueAt }) => (state === 'open' && dueAt ? [dueAt] : []))
    return times.length === 0 ? undefined : epochMillis(Math.min(...times))
  }

  /** How the code fails to match the journal, once the run has come to its end or to rest. */
  mismatchAt(end: 'returned' | 'suspended'): string | undefined {
    if (this.#mismatch !== undefined) return this.#mismatch
    const [parked] = this.#parked.values()
    const missing = this.#firstAhead()
    if (parked !== undefined && missing !== undefined) return different(parked, missing)
    const isOlder = missing !== undefined && missing.version !== this.#parts.version
    // The same code may return before it comes to a step that lost a race; other code has lost the step.
    if (end === 'returned' && isOlder) {
      return `the journal has ${missing.kind} "${missing.id}", which version ${this.#parts.version} of the code returns without`
    }
    return undefined
  }

  async begin(step: StepRequest): Promise<StepAnswer> {
    if (this.#mismatch !== undefined) throw this.#refuse(this.#mismatch)
    const known = this.#entries.get(step.id)
    this.#plans.set(step.id, step)
    if (known !== undefined && (known.kind !== step.kind || known.name !== step.name)) {
      throw this.#refuse(different(step, known))
    }
    if (known === undefined && this.#ahead.size > 0) {
      this.#checkCount(this.#parked.size)
      this.#parked.set(step.id, step)
      return { state: 'parked' }
    }
    this.#parked.delete(step.id)
    const isLastAhead = this.#ahead.delete(step.id) && this.#ahead.size === 0
    const answer = await this.#answer(step, known ?? this.#open(step))
    return isLastAhead ? { ...answer, release: true } : answer
  }

  async complete(id: string, value: string): Promise<void> {
    const size = this.#size + Buffer.byteLength(value)
    const { journalBytes } = this.#parts.grant
    if (size > journalBytes) {
      const message = `the values of the execution's steps would have ${size} bytes; at most ${journalBytes} (capabilities.durable.journalBytes)`
      throw new JournalError('QUOTA_EXCEEDED', message)
    }
    await this.#record({ ...this.#running(id), state: 'done', value })
  }

  async fail(id: string, error: string, { final }: { readonly final: boolean }): Promise<StepAnswer> {
    const entry = this.#running(id)
    const { retries, backoff } = this.#plans.get(id) ?? { retries: 0, backoff: 0 }
    const tries = entry.tries + 1
    if (final || tries > retries) {
      await this.#record({ ...entry, state: 'failed', value: error, tries })
      return { state: 'failed', error }
    }
    const pause = Math.min(BACKOFF_MS_MAX, backoff * 2 ** Math.min(tries - 1, 40))
    const dueAt = epochMillis(this.#parts.clock.now() + pause)
    await this.#record({ ...entry, value: error, tries, dueAt })
    return { state: 'wait' }
  }

  #answer(step: StepRequest, entry: JournalEntry): StepAnswer | Promise<StepAnswer> {
    if (entry.state === 'done') return { state: 'done', value: entry.value ?? '' }
    if (entry.state === 'failed') return { state: 'failed', error: entry.value ?? '{}' }
    const isDue = entry.dueAt !== undefined && entry.dueAt <= this.#parts.clock.now()
    switch (step.kind) {
      case 'step':
        return entry.dueAt !== undefined && !isDue ? { state: 'wait' } : { state: 'run', attempt: entry.tries + 1 }
      case 'sleep':
        return this.#sleep(entry, isDue)
      case 'event':
        return this.#await(entry, isDue)
    }
  }

  async #sleep(entry: JournalEntry, isDue: boolean): Promise<StepAnswer> {
    if (!isDue) return this.#keepOpen(entry)
    await this.#record({ ...entry, state: 'done', value: '' })
    return { state: 'done', value: '' }
  }

  async #await(entry: JournalEntry, isDue: boolean): Promise<StepAnswer> {
    const payload = await this.#parts.store.takeEvent(this.#parts.id, { ...entry, at: this.#parts.clock.now() })
    if (payload !== undefined) {
      this.#keep({ ...entry, state: 'done', value: payload })
      return { state: 'done', value: payload }
    }
    if (!isDue) return this.#keepOpen(entry)
    const message = `no event "${entry.name}" came in time`
    const error = JSON.stringify({ name: 'Error', message, stack: '', code: 'TIMEOUT' })
    await this.#record({ ...entry, state: 'failed', value: error })
    return { state: 'failed', error }
  }

  /** What waits is written down the first time: it has to be found again by its time, or by its event. */
  async #keepOpen(entry: JournalEntry): Promise<StepAnswer> {
    if (!this.#written.has(entry.id)) await this.#record(entry)
    return { state: 'wait' }
  }

  #open({ id, kind, name, until }: StepRequest): JournalEntry {
    this.#checkCount(this.#entries.size)
    this.#places += 1
    const { version, clock } = this.#parts
    const entry = { id, place: this.#places, kind, name, state: 'open', tries: 0, version, at: clock.now() } as const
    const opened = until === undefined ? entry : { ...entry, dueAt: until }
    this.#entries.set(id, opened)
    return opened
  }

  #running(id: string): JournalEntry {
    const entry = this.#entries.get(id)
    if (entry?.kind !== 'step' || entry.state !== 'open') {
      throw new JournalError('INVALID_ARGUMENT', 'that step is not being done')
    }
    const { dueAt: _, ...rest } = entry
    return rest
  }

  async #record(entry: JournalEntry): Promise<void> {
    const written = { ...entry, version: this.#parts.version, at: this.#parts.clock.now() }
    if (!(await this.#parts.store.record(this.#parts.id, written))) {
      throw new JournalError('RUN_OVER', 'the execution is over')
    }
    this.#keep(written)
  }

  #keep(entry: JournalEntry): void {
    this.#size += Buffer.byteLength(entry.value ?? '') - Buffer.byteLength(this.#entries.get(entry.id)?.value ?? '')
    this.#entries.set(entry.id, entry)
    this.#written.add(entry.id)
    this.#recorded += 1
  }

  #firstAhead(): JournalEntry | undefined {
    const [first] = this.#ahead
    return first === undefined ? undefined : this.#entries.get(first)
  }

  #checkCount(count: number): void {
    const { entries } = this.#parts.grant
    if (count < entries) return
    throw new JournalError('QUOTA_EXCEEDED', `an execution has ${entries} steps at most (capabilities.durable.entries)`)
  }

  #refuse(mismatch: string): JournalError {
    this.#mismatch ??= mismatch
    return new JournalError('JOURNAL_MISMATCH', this.#mismatch)
  }
}

function different(asked: Pick<StepRequest, 'id' | 'kind'>, known: Pick<JournalEntry, 'id' | 'kind'>): string {
  return `the code comes to ${asked.kind} "${asked.id}" where the journal has ${known.kind} "${known.id}"`
}
