import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import type { TenantId } from '../../../core/ids.ts'
import { CloisterError } from '../../../core/errors.ts'
import type { LedgerVerdict } from '../../../core/stores.ts'
import { GENESIS_HASH } from '../../chain.ts'
import type { Findings, Task, Work } from './tasks.ts'

/** Records from which on a chain is checked by several threads: below, starting them takes longer than it saves. */
const SHARED_FROM = 50_000

interface Parts {
  readonly path: string
  /** The host's own connection, for what takes one look. */
  readonly reader: DatabaseSync
}

/**
 * Verifies ledgers in threads of their own, so that however long a chain is, no run waits for it. One tenant at a time:
 * verifying takes two processors, and is not worth more. A tenant that already waits for its turn shares it.
 *
 * Invariant: a verification sees every record whose post had resolved when it was asked for.
 */
export class LedgerVerifier implements AsyncDisposable {
  readonly #parts: Parts
  readonly #waiting = new Map<TenantId, Promise<LedgerVerdict>>()
  readonly #threads = new Set<Worker>()
  #turn: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Rejects with INTERNAL if the ledger cannot be read, or the store is closed meanwhile. */
  verify(tenant: TenantId): Promise<LedgerVerdict> {
    return this.#waiting.getOrInsertComputed(tenant, () => {
      const verdict = this.#turn.then(() => {
        this.#waiting.delete(tenant)
        return this.#verify(tenant)
      })
      this.#turn = verdict.catch(() => undefined)
      return verdict
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#threads].map((thread) => thread.terminate()))
    await this.#turn
  }

  async #verify(tenant: TenantId): Promise<LedgerVerdict> {
    const { first, last, head } = this.#bounds(tenant)
    // Records are numbered from 1: others were made up.
    const isRight = first < 1 ? false : await this.#isRight(tenant, last)
    return isRight ? { ok: true, records: last, head } : ((await this.#run({ judge: tenant })) as LedgerVerdict)
  }

  async #isRight(tenant: TenantId, last: number): Promise<boolean> {
    const findings = await Promise.all(shares(tenant, last).map((tasks) => this.#run({ tasks })))
    return findings.every((each) => each === 'right')
  }

  #bounds(tenant: TenantId): { first: number; last: number; head: string } {
    const { reader } = this.#parts
    const end = (order: 'ASC' | 'DESC') =>
      reader
        .prepare(`SELECT sequence, hash FROM ledger WHERE tenant = ? ORDER BY sequence ${order} LIMIT 1`)
        .get(tenant)
    const [first, last] = [end('ASC'), end('DESC')]
    return {
      first: Number(first?.['sequence'] ?? 1),
      last: Number(last?.['sequence'] ?? 0),
      head: String(last?.['hash'] ?? GENESIS_HASH),
    }
  }

  #run(work: { tasks: readonly Task[] } | { judge: TenantId }): Promise<Findings> {
    const { promise, resolve, reject } = Promise.withResolvers<Findings>()
    if (this.#closed) throw ended(undefined)
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const workerData: Work = { path: this.#parts.path, ...work }
    const thread = new Worker(new URL(`./thread.${extension}`, import.meta.url), {
      workerData,
      name: 'cloister-verify',
    })
    this.#threads.add(thread)
    thread.once('message', resolve)
    thread.once('error', (error) => reject(ended(error)))
    thread.once('exit', () => {
      this.#threads.delete(thread)
      reject(ended(undefined))
    })
    return promise
  }
}

/** Who does what: a long chain in two halves and the roll-ups, each by a thread; a short one by one thread. */
function shares(tenant: TenantId, last: number): readonly (readonly Task[])[] {
  const middle = last < SHARED_FROM ? last : Math.ceil(last / 2)
  const chain = (after: number, to: number): Task => ({ kind: 'chain', stretch: { tenant, after, last: to } })
  const rollups: Task = { kind: 'rollups', tenant }
  return middle === last ? [[chain(0, last), rollups]] : [[chain(0, middle)], [chain(middle, last)], [rollups]]
}

function ended(cause: unknown): CloisterError {
  return new CloisterError('INTERNAL', 'the ledger could not be verified', { cause })
}
