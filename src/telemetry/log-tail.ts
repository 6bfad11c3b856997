import { CloisterError } from '../core/errors.ts'
import { listen } from '../core/events.ts'
import type { FunctionName, RunId, TenantId } from '../core/ids.ts'
import { type Tail, type TailFilter, type TailItem, hasText } from '../core/log-tail.ts'
import type { RunStatus } from '../core/outcome.ts'
import type { PostedRun } from '../core/stores.ts'

interface Parts {
  /** A run that is in the ledger, with its logs. */
  readonly find: (tenant: TenantId, run: RunId) => Promise<PostedRun | undefined>
  /** How long nothing comes before that is said, in ms; {@link QUIET_MS} if absent. */
  readonly quietMs?: number
}

/** Less than the minute after which proxies cut a connection that is silent. */
const QUIET_MS = 15_000
/** Ids that wait for a follower who reads slowly: at 26 bytes each nothing to speak of, and more than anybody reads. */
const WAITING_MAX = 1_000
/** Followers of one tenant, and of all: each costs a read of the store a run. */
const FOLLOWERS_MAX = { tenant: 10, all: 100 } as const

/**
 * Shows runs to whoever follows a tenant, as soon as they are in the ledger. A run is read from there when a follower is ready
 * for it, so that what is shown is what is kept, and nothing that a tenant wrote waits in memory.
 */
export class LogTail implements Tail, Disposable {
  readonly #parts: Parts
  readonly #followers = new Map<TenantId, Set<Follower>>()
  readonly #stop: () => void
  #count = 0
  #isClosed = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.#stop = listen('run.finished', ({ tenant, run, status, function: deployed }) => {
      const followers = this.#followers.get(tenant)
      if (followers !== undefined) for (const each of followers) each.offer({ run, status, function: deployed?.name })
    })
  }

  /** Followers that there are. */
  get followers(): number {
    return this.#count
  }

  follow(tenant: TenantId, filter: TailFilter, signal: AbortSignal): AsyncIterable<TailItem> {
    const others = this.#followers.get(tenant) ?? new Set()
    if (others.size >= FOLLOWERS_MAX.tenant || this.#count >= FOLLOWERS_MAX.all) {
      const whose = others.size >= FOLLOWERS_MAX.tenant ? 'this tenant’s' : 'all tenants’'
      throw new CloisterError('CONCURRENCY_LIMITED', `as many as may follow ${whose} logs already`)
    }
    const follower = new Follower(filter)
    this.#followers.set(tenant, others.add(follower))
    this.#count += 1
    const leave = (): void => {
      follower.close()
      signal.removeEventListener('abort', leave)
      if (!others.delete(follower)) return
      this.#count -= 1
      if (others.size === 0) this.#followers.delete(tenant)
    }
    signal.addEventListener('abort', leave)
    if (signal.aborted || this.#isClosed) leave()
    return this.#items(tenant, follower, leave)
  }

  async *#items(tenant: TenantId, follower: Follower, leave: () => void): AsyncGenerator<TailItem, void> {
    try {
      for (;;) {
        const next = await follower.next(this.#parts.quietMs ?? QUIET_MS)
        if (next === 'closed') return
        if (typeof next !== 'string') yield { kind: 'lost', runs: next.lost }
        else if (next === 'quiet') yield { kind: 'quiet' }
        else {
          const run = await this.#parts.find(tenant, next)
          if (run !== undefined && hasText(run, follower.search)) yield { kind: 'run', run }
        }
      }
    } finally {
      leave()
    }
  }

  /** Whoever follows has seen it all. */
  [Symbol.dispose](): void {
    this.#stop()
    this.#isClosed = true
    for (const followers of this.#followers.values()) for (const each of followers) each.close()
  }
}

interface Ended {
  readonly run: RunId
  readonly status: RunStatus
  readonly function: FunctionName | undefined
}

/** The ids that one reader has yet to see. */
class Follower {
  /** In lower case. */
  readonly search: string | undefined
  readonly #filter: TailFilter
  readonly #waiting: RunId[] = []
  #lost = 0
  #isClosed = false
  #wake = (): void => {}

  constructor(filter: TailFilter) {
    this.#filter = filter
    this.search = filter.search?.toLowerCase()
  }

  offer(ended: Ended): void {
    const { function: name, status, sample } = this.#filter
    if (name !== undefined && name !== ended.function) return
    if (status !== undefined && status !== ended.status) return
    if (sample !== undefined && Math.random() >= sample) return
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push(ended.run)
    else this.#lost += 1
    this.#wake()
  }

  /** What was lost is told when the reader has caught up, so that it is told in its place. */
  async next(quietMs: number): Promise<RunId | 'quiet' | 'closed' | { readonly lost: number }> {
    if (this.#waiting.length === 0 && this.#lost === 0 && !this.#isClosed) await this.#whenMore(quietMs)
    if (this.#isClosed) return 'closed'
    const run = this.#waiting.shift()
    if (run !== undefined) return run
    const lost = this.#lost
    this.#lost = 0
    return lost > 0 ? { lost } : 'quiet'
  }

  close(): void {
    this.#isClosed = true
    this.#wake()
  }

  async #whenMore(quietMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, quietMs)
    await promise
    clearTimeout(timer)
  }
}
