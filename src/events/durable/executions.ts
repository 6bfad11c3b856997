import { CloisterError } from '../../core/errors.ts'
import type { ExecutionRecord, Executions } from '../../core/durable.ts'
import type { RunId, TenantId } from '../../core/ids.ts'
import { type Millis, epochMillis } from '../../core/quantity.ts'
import { type ResumeParts, checkDurable, grantOf, resume } from './resume.ts'

interface Parts extends ResumeParts {
  readonly newRunId: () => RunId
  readonly draining: () => boolean
  /** How long executions are kept after their end. */
  readonly retention: Millis
  /** Something of the host's went wrong. */
  readonly onFault: (event: string, error: unknown) => void
}

/** Executions that are taken further at once: of all tenants, and of one. More wait in the store. */
const BUSY_MAX = 64
const TENANT_MAX = 16
/** Longest timer: what is due later is looked for again. */
const TIMER_MS_MAX = 3_600_000
/** How often those are removed that have been over for long. */
const FORGET_EVERY_MS = 600_000
/** After a fault of the host's. */
const FAULT_PAUSE_MS = 1_000

/**
 * Executions of durable functions, taken further whenever they are due. What is due stays so in the store until its run is put
 * away: a host that dies leaves it to the next.
 */
export class ExecutionDesk implements Executions, AsyncDisposable {
  readonly #parts: Parts
  /** Executions that a run of this host takes further, each with what ends that. */
  readonly #busy = new Map<
    RunId,
    { readonly tenant: TenantId; readonly end: AbortController; readonly run: Promise<void> }
  >()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #lookAgain = false
  #hasBegun = false
  #forgetAtMs = 0
  #isStopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Takes up what is due, and what will be. */
  begin(): void {
    this.#hasBegun = true
    this.#look()
  }

  async start(...[tenant, name, { input, ...target }]: Parameters<Executions['start']>): Promise<RunId> {
    const { clock, store, newRunId, policyOf, resolve } = this.#parts
    const policy = policyOf(tenant)
    const grant = grantOf(policy)
    const found = await resolve(tenant, name, target)
    checkDurable(found)
    if (input.byteLength > policy.limits.input) {
      throw new CloisterError(
        'TOO_LARGE',
        `input has ${input.byteLength} bytes; at most ${policy.limits.input} are allowed (limits.inputBytes)`,
      )
    }
    const id = newRunId()
    const text = Buffer.from(input).toString()
    const begun = { id, tenant, function: name, version: found.version, input: text, now: clock.now() }
    if (!(await store.begin(begun, grant.executions))) {
      const message = `the tenant has ${grant.executions} executions that are not over, the most it may have (capabilities.durable.executions)`
      throw new CloisterError('QUOTA_EXCEEDED', message)
    }
    this.#look()
    return id
  }

  async find(...[tenant, id]: Parameters<Executions['find']>): ReturnType<Executions['find']> {
    const { store } = this.#parts
    const record = await store.find(tenant, id)
    if (record === undefined) throw noSuchExecution(tenant, id)
    return { record, journal: await store.journal(id) }
  }

  list(...[tenant, filter]: Parameters<Executions['list']>): ReturnType<Executions['list']> {
    return this.#parts.store.list(tenant, filter)
  }

  async deliver(...[tenant, id, { name, payload }]: Parameters<Executions['deliver']>): Promise<void> {
    const { clock, store, policyOf } = this.#parts
    const { valueBytes, entries } = grantOf(policyOf(tenant))
    const size = Buffer.byteLength(payload)
    if (size > valueBytes) {
      throw new CloisterError(
        'TOO_LARGE',
        `the event has ${size} bytes as JSON; at most ${valueBytes} are allowed (capabilities.durable.valueBytes)`,
      )
    }
    switch (await store.deliver(tenant, id, { name, payload, now: clock.now() }, entries)) {
      case 'done':
        return this.#look()
      case 'none':
        throw noSuchExecution(tenant, id)
      case 'over':
        throw new CloisterError('CONFLICT', `execution "${id}" is over`)
      case 'too-many':
        throw new CloisterError('QUOTA_EXCEEDED', `${entries} events wait for the execution, the most that may`)
    }
  }

  async cancel(...[tenant, id]: Parameters<Executions['cancel']>): Promise<void> {
    const { clock, store } = this.#parts
    if (!(await store.cancel(tenant, id, clock.now()))) {
      await this.find(tenant, id)
      throw new CloisterError('CONFLICT', `execution "${id}" is over`)
    }
    this.#busy.get(id)?.end.abort()
  }

  /** Ends the runs in progress; their executions go on when a host has the store again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#looking
    for (const { end } of this.#busy.values()) end.abort()
    await Promise.all([...this.#busy.values()].map(({ run }) => run))
  }

  #look(): void {
    if (!this.#hasBegun || this.#isStopped) return
    this.#lookAgain = true
    this.#looking ??= this.#lookWhileAsked().finally(() => (this.#looking = undefined))
  }

  async #lookWhileAsked(): Promise<void> {
    while (this.#lookAgain && !this.#isStopped) {
      this.#lookAgain = false
      try {
        await this.#takeDue()
      } catch (error) {
        this.#parts.onFault('execution.look-failed', error)
        this.#lookIn(FAULT_PAUSE_MS)
      }
    }
  }

  async #takeDue(): Promise<void> {
    const { clock, store, draining, retention } = this.#parts
    const now = clock.now()
    const due = await store.due(now, BUSY_MAX + this.#busy.size)
    for (const execution of due) {
      if (this.#busy.size >= BUSY_MAX || draining() || this.#isStopped) return
      if (!this.#busy.has(execution.id) && this.#ofTenant(execution.tenant) < TENANT_MAX) this.#take(execution)
    }
    if (clock.elapsed() >= this.#forgetAtMs) {
      this.#forgetAtMs = clock.elapsed() + FORGET_EVERY_MS
      while (await store.forget(epochMillis(now - retention)));
    }
    // What is due already is being worked on, or waits for the end of something that is.
    const next = await store.nextDue(now)
    this.#lookIn(next === undefined ? TIMER_MS_MAX : next - now)
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer)
    if (!this.#isStopped) this.#timer = setTimeout(() => this.#look(), Math.min(TIMER_MS_MAX, ms)).unref()
  }

  #ofTenant(tenant: TenantId): number {
    return this.#busy.values().reduce((count, each) => (each.tenant === tenant ? count + 1 : count), 0)
  }

  #take(execution: ExecutionRecord): void {
    const end = new AbortController()
    const { id, tenant } = execution
    const run = this.#resume(execution, end.signal).finally(() => {
      this.#busy.delete(id)
      this.#look()
    })
    this.#busy.set(id, { tenant, end, run })
  }

  async #resume(execution: ExecutionRecord, signal: AbortSignal): Promise<void> {
    const { clock, store, draining, onFault } = this.#parts
    try {
      const { settlement, run } = await resume(this.#parts, execution, signal)
      // A host that shuts down leaves it as it is: due.
      if (run === undefined && draining()) return
      await store.settle(execution.id, settlement, { ...(run && { run }), now: clock.now() })
    } catch (error) {
      onFault('execution.failed', error)
      await new Promise((resolve) => setTimeout(resolve, FAULT_PAUSE_MS))
    }
  }
}

function noSuchExecution(tenant: TenantId, id: RunId): CloisterError {
  return new CloisterError('NOT_FOUND', `tenant "${tenant}" has no execution "${id}"`)
}
