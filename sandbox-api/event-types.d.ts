/** What handlers are given, as guest code sees it: a part of types.d.ts. */

export interface MessageBatch<Message = unknown> {
  /** Name of the queue. */
  readonly queue: string
  readonly messages: readonly QueueMessage<Message>[]
  /** The same for all messages about which nothing was said yet. */
  ackAll(): void
  retryAll(options?: { delaySeconds?: number }): void
}

export interface QueueMessage<Message = unknown> {
  readonly id: string
  readonly body: Message
  /** 1, or higher when the message is delivered again. */
  readonly attempts: number
  /** ISO 8601. */
  readonly sentAt: string
  readonly orderingKey?: string
  /** It is done with, and never comes again. What is said first counts. */
  ack(): void
  /** It comes again, after its delay, until it has come as often as the trigger allows; then it is a dead letter. */
  retry(options?: { delaySeconds?: number }): void
}

export interface ScheduledEvent {
  /** When it was to begin, in ms since the epoch. */
  readonly scheduledTime: number
  /** The line of the plan that it comes from. */
  readonly cron: string
}

export interface BlobEvent {
  readonly type: 'created' | 'deleted'
  readonly key: string
  /** Of what was stored, or deleted. */
  readonly size: number
  readonly etag: string
  readonly contentType: string
  /** ISO 8601. */
  readonly time: string
}

export interface DocumentEvent {
  readonly type: 'created' | 'updated' | 'deleted'
  readonly collection: string
  readonly id: string
  /** After the change; 0: gone. */
  readonly version: number
  /** ISO 8601. */
  readonly time: string
}
