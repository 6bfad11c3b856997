import type { Clock } from '../core/clock.ts'
import type { Vault } from '../core/vault.ts'
import type { Delivery, SendPost, WebhookStore } from '../core/webhooks.ts'
import { attempt } from './attempt.ts'

interface Parts {
  readonly store: Pick<WebhookStore, 'due' | 'nextDue' | 'find' | 'settle'>
  readonly vault: Vault
  readonly send: SendPost
  readonly clock: Clock
  readonly random: () => number
  readonly log: { error(fields: object, event: string): void }
}

/** Attempts of the whole host under way at once. An endpoint that does not answer has one of them for ten seconds. */
const UNDER_WAY_MAX = 32
/** How long until it is looked again, however far away the next attempt is: the clock may be set. */
const LOOK_EVERY_MS = 60_000
/** After the store could not be read or written. */
const FAULT_WAIT_MS = 5_000

/**
 * Sends what is due, in the background, from the store alone: what was not settled before the host ended is sent again by
 * the next one. A webhook has one attempt under way at a time, so a receiver gets its events in about their order.
 */
export class Deliveries implements AsyncDisposable {
  readonly #parts: Parts
  /** Attempts under way, by tenant and webhook. */
  readonly #underWay = new Map<string, Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #looking: 'no' | 'once' | 'again' = 'no'
  #isOpen = true

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Looks for what is due, now and from then on whenever something is. */
  look(): void {
    if (!this.#isOpen) return
    if (this.#looking !== 'no') {
      this.#looking = 'again'
      return
    }
    void this.#look()
  }

  /** Starts no more attempts and waits for those under way, which end by themselves within seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false
    clearTimeout(this.#timer)
    await Promise.all(this.#underWay.values())
  }

  async #look(): Promise<void> {
    let waitMs = LOOK_EVERY_MS
    try {
      do {
        this.#looking = 'once'
        waitMs = await this.#startDue()
        // Set by whoever asked to look while this one was looking.
      } while ((this.#looking as string) === 'again')
    } catch (error) {
      this.#parts.log.error({ err: error }, 'webhooks.unreadable')
      waitMs = FAULT_WAIT_MS
    }
    this.#looking = 'no'
    clearTimeout(this.#timer)
    if (this.#isOpen) this.#timer = setTimeout(() => this.look(), waitMs).unref()
  }

  /** Starts what is due as far as there is room, and says how long there is nothing else to do. */
  async #startDue(): Promise<number> {
    const { store, clock } = this.#parts
    // As many more as are under way: those are due as well until they are settled.
    const due = await store.due(clock.now(), UNDER_WAY_MAX + this.#underWay.size)
    for (const delivery of due) this.#start(delivery)
    const next = await store.nextDue()
    if (next === undefined) return LOOK_EVERY_MS
    // What is due and under way is looked at again when it is settled.
    const waitMs = next - clock.now()
    return waitMs <= 0 ? LOOK_EVERY_MS : Math.min(LOOK_EVERY_MS, waitMs)
  }

  #start(delivery: Delivery): void {
    const key = `${delivery.tenant}/${delivery.webhook}`
    if (!this.#isOpen || this.#underWay.has(key) || this.#underWay.size >= UNDER_WAY_MAX) return
    const done = this.#attempt(delivery).then(
      () => {
        this.#underWay.delete(key)
        this.look()
      },
      (error: unknown) => {
        this.#parts.log.error({ err: error }, 'webhook.unsettled')
        this.#underWay.delete(key)
        // Not at once: what cannot be settled would be sent over and over.
        clearTimeout(this.#timer)
        if (this.#isOpen) this.#timer = setTimeout(() => this.look(), FAULT_WAIT_MS).unref()
      },
    )
    this.#underWay.set(key, done)
  }

  async #attempt(delivery: Delivery): Promise<void> {
    const { store, clock } = this.#parts
    const webhook = await store.find(delivery.tenant, delivery.webhook)
    if (webhook === undefined) return
    await store.settle(await attempt(delivery, webhook, { ...this.#parts, now: () => clock.now() }))
  }
}
