import type { EventQuota } from '../../core/policy.ts'
import type { QueueQuota, SendOutcome } from '../../core/queues.ts'

/** What queues ask of the writer. */
export interface QueueCommands {
  'queue.put': {
    input: QueueTarget & QueueQuota & { retention: number | null; lease: number | null }
    output: 'created' | 'changed' | 'queues-exceeded'
  }
  'queue.delete': { input: QueueTarget; output: boolean }
  'queue.send': { input: QueueSend; output: SendOutcome }
  'queue.purge': { input: QueueTarget; output: number }
  'queue.claim': { input: QueueTarget & { limit: number; lease: number | null }; output: readonly ClaimedRow[] }
  'queue.acknowledge': { input: LeaseTarget; output: boolean }
  'queue.release': { input: LeaseTarget & { delay: number; unused: 0 | 1 }; output: boolean }
  'queue.bury': {
    input: LeaseTarget & { function: string; error: string; run: string | null; quota: EventQuota }
    output: boolean
  }
}

export interface QueueTarget {
  readonly tenant: string
  readonly queue: string
  readonly now: number
}

interface LeaseTarget {
  readonly tenant: string
  readonly lease: string
  readonly now: number
}

export interface QueueSend extends QueueTarget {
  readonly quota: QueueQuota
  readonly messages: readonly {
    readonly id: string
    readonly body: string
    readonly delay: number
    readonly deduplicationId: string | null
    readonly orderingKey: string | null
    readonly depth: number
  }[]
}

/** A message as it is stored. */
export interface MessageRow {
  readonly id: string
  readonly body: string
  readonly ordering_key: string | null
  readonly sent_at: number
  readonly visible_at: number
  readonly attempts: number
  readonly depth: number
}

export interface ClaimedRow extends MessageRow {
  readonly lease: string
}
