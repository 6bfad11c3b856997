import type { Socket } from 'node:net'
import { LRUCache } from 'lru-cache'
import { Pool } from 'undici'
import type { TenantId } from '../../core/ids.ts'
import type { FetchGrant } from '../../core/policy.ts'
import { CapabilityError } from '../capability.ts'
import { Reach } from './addresses.ts'
import { createConnector } from './connector.ts'
import type { Resolve } from './resolver.ts'

interface Parts {
  readonly resolve: Resolve
  /** Sockets of all tenants together. */
  readonly socketsMax: number
}

const TENANTS_MAX = 1_024
const ORIGINS_MAX = 128
const KEEP_ALIVE_MS = 10_000
const KEEP_ALIVE_MAX_MS = 60_000

/** The connections of all tenants. A connection is one tenant's, made under one grant, for the whole of its life. */
export class Connections implements AsyncDisposable {
  readonly #parts: Parts
  readonly #tenants = new LRUCache<TenantId, TenantConnections>({
    max: TENANTS_MAX,
    dispose: (connections) => connections.close(),
  })
  #sockets = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The tenant's. A grant that has changed gets new ones: what the old one could reach may be out of reach now. */
  of(tenant: TenantId, grant: FetchGrant): TenantConnections {
    const known = this.#tenants.get(tenant)
    if (known?.grant === grant) return known
    const made = new TenantConnections(grant, this.#parts.resolve, {
      admit: () => {
        if (this.#sockets >= this.#parts.socketsMax) {
          throw new CapabilityError('UNAVAILABLE', 'the host has as many connections open as it may; try again later')
        }
      },
      opened: (socket) => {
        this.#sockets += 1
        socket.once('close', () => (this.#sockets -= 1))
      },
    })
    this.#tenants.set(tenant, made)
    return made
  }

  /** Sockets that are open or being opened. */
  get sockets(): number {
    return this.#sockets
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#tenants.values()]
    this.#tenants.clear()
    await Promise.all(all.map((connections) => connections.destroy()))
  }
}

interface Count {
  readonly admit: () => void
  readonly opened: (socket: Socket) => void
}

/** One tenant's connections under one grant, kept between requests, and how many of its requests are under way. */
export class TenantConnections {
  readonly grant: FetchGrant
  readonly #reach: Reach
  readonly #resolve: Resolve
  readonly #count: Count
  readonly #pools: LRUCache<string, Pool>
  readonly #closing = new Set<Pool>()
  #sockets = 0
  #underWay = 0

  constructor(grant: FetchGrant, resolve: Resolve, count: Count) {
    this.grant = grant
    this.#reach = new Reach(grant.privateRanges)
    this.#resolve = resolve
    this.#count = count
    this.#pools = new LRUCache({ max: ORIGINS_MAX, dispose: (pool) => this.#retire(pool) })
  }

  /** Takes a place among the tenant's requests under way; its disposal gives it back. Throws CONCURRENCY_LIMITED. */
  enter(): Disposable {
    if (this.#underWay >= this.grant.concurrency) {
      throw new CapabilityError(
        'CONCURRENCY_LIMITED',
        `${this.grant.concurrency} requests of the tenant are under way, which is all that may be (capabilities.fetch.concurrency)`,
      )
    }
    this.#underWay += 1
    let isOpen = true
    return {
      [Symbol.dispose]: () => {
        if (isOpen) this.#underWay -= 1
        isOpen = false
      },
    }
  }

  /** The connections to an origin. */
  to(origin: string): Pool {
    const known = this.#pools.get(origin)
    if (known !== undefined) return known
    const made = new Pool(origin, {
      connect: createConnector({
        resolve: this.#resolve,
        reach: this.#reach,
        admit: () => this.#admit(),
        opened: (socket) => this.#opened(socket),
      }),
      connections: this.grant.concurrency,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
      maxHeaderSize: this.grant.headerBytes,
      // Times are kept by whoever asks; see exchange.ts.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    this.#pools.set(origin, made)
    return made
  }

  /** Lets what is under way end, then closes. */
  close(): void {
    this.#pools.clear()
  }

  /** Closes at once. */
  async destroy(): Promise<void> {
    this.#pools.clear()
    await Promise.all([...this.#closing].map((pool) => pool.destroy()))
  }

  /** Idle connections make room for new ones: a tenant has at most twice as many sockets as requests. */
  #admit(): void {
    for (const origin of Array.from(this.#pools.rkeys())) {
      if (this.#sockets < 2 * this.grant.concurrency) break
      if (this.#pools.peek(origin)?.stats.size === 0) this.#pools.delete(origin)
    }
    this.#count.admit()
  }

  #opened(socket: Socket): void {
    this.#sockets += 1
    socket.once('close', () => (this.#sockets -= 1))
    this.#count.opened(socket)
  }

  #retire(pool: Pool): void {
    this.#closing.add(pool)
    void pool.close().finally(() => this.#closing.delete(pool))
  }
}
