/** Queues: messages that are kept until somebody has dealt with them, at least once and in no order but that of a key. */
import type { FunctionName, RunId, TenantId } from './ids.ts'
import type { InvocationError } from './invocations.ts'
import type { EventQuota } from './policy.ts'
import type { EpochMillis, Millis } from './quantity.ts'

export interface QueueSettings {
  /** A message that nobody has dealt with goes after so long. */
  readonly retention: Millis
  /** How long a claimed message is nobody else's, unless the claim says otherwise. */
  readonly lease: Millis
}

/** A queue and what is in it. */
export interface QueueState extends QueueSettings {
  readonly name: string
  readonly createdAt: EpochMillis
  /** All messages, whatever they wait for. */
  readonly messages: number
  /** Length of all of them, as JSON. */
  readonly bytes: number
}

/** A message on its way in. */
export interface OutgoingMessage {
  /** JSON text. */
  readonly body: string
  readonly delay: Millis
  /** A second message with the same one within five minutes is not sent. */
  readonly deduplicationId?: string
  /** Messages with the same one are claimed in the order in which they were sent, one at a time. */
  readonly orderingKey?: string
  /** How many events lead to it; 0 if absent. */
  readonly depth?: number
}

/** What became of a message: the id it has, which is the first one's if it is a duplicate. */
export interface SentMessage {
  readonly id: string
  readonly duplicate: boolean
}

export interface QueuedMessage {
  readonly id: string
  /** JSON text. */
  readonly body: string
  readonly orderingKey?: string
  readonly sentAt: EpochMillis
  /** Not claimed before: the end of its delay, or of its lease. */
  readonly visibleAt: EpochMillis
  /** How often it was claimed. */
  readonly attempts: number
  /** How many events lead to it. */
  readonly depth: number
}

/** A message that one claimer has, until `visibleAt`. */
export interface ClaimedMessage extends QueuedMessage {
  /** Proves the claim. */
  readonly lease: string
}

export interface QueueQuota {
  readonly queues: number
  /** Of all queues of the tenant together. */
  readonly messages: number
  readonly storedBytes: number
}

export type SendOutcome =
  | { readonly outcome: 'done'; readonly sent: readonly SentMessage[] }
  | { readonly outcome: 'queues-exceeded' | 'messages-exceeded' | 'bytes-exceeded' }

/** The queues of every tenant. Writes reject with NOT_FOUND for a tenant that is not there. */
export interface QueueStore {
  list(tenant: TenantId): Promise<readonly QueueState[]>
  find(tenant: TenantId, name: string): Promise<QueueState | undefined>
  /** Creates a queue or changes what is given. */
  put(
    tenant: TenantId,
    name: string,
    settings: Partial<QueueSettings>,
    quota: QueueQuota,
  ): Promise<'created' | 'changed' | 'queues-exceeded'>
  /** Deletes a queue with its messages. False if there was none. */
  delete(tenant: TenantId, name: string): Promise<boolean>
  /** Sends all of the messages or none, in one commit. A queue that is not there is created. */
  send(tenant: TenantId, name: string, messages: readonly OutgoingMessage[], quota: QueueQuota): Promise<SendOutcome>
  /** Looks at messages in the order in which they were sent, and changes nothing. `after` is the last id of the page before. */
  peek(
    tenant: TenantId,
    name: string,
    page: { readonly limit: number; readonly after?: string },
  ): Promise<readonly QueuedMessage[]>
  /** Removes every message. How many there were. */
  purge(tenant: TenantId, name: string): Promise<number>
  /**
   * Claims messages that are due, the longest due first, in one atomic step: nobody else gets them until the lease is over.
   * Each claim counts as an attempt. Of an ordering key only the oldest message is ever claimed.
   */
  claim(
    tenant: TenantId,
    name: string,
    claim: { readonly limit: number; readonly lease?: Millis },
  ): Promise<readonly ClaimedMessage[]>
  /** The message is dealt with and goes. False if the claim is over. */
  acknowledge(tenant: TenantId, lease: string): Promise<boolean>
  /**
   * Gives a message back, to be claimed again after `delay`. `unused`: the claim was no attempt. False if the claim is over.
   */
  release(tenant: TenantId, lease: string, delay: Millis, how?: 'unused'): Promise<boolean>
  /** The message is given up, and kept as a dead letter of the function. False if the claim is over. */
  bury(
    tenant: TenantId,
    lease: string,
    why: { readonly function: FunctionName; readonly error: InvocationError; readonly run?: RunId },
    quota: EventQuota,
  ): Promise<boolean>
  /** What the tenant keeps in all of its queues together. */
  stored(tenant: TenantId): Promise<{ readonly messages: number; readonly bytes: number }>
}
