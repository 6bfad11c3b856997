import type { IdempotencyBegun } from '../../core/idempotency.ts'
import type { Enqueued, Settled } from '../../core/invocations.ts'
import type { EventQuota } from '../../core/policy.ts'
import type { QueueSend } from './queue-commands.ts'

/** What events ask of the writer. */
export interface InvocationCommands {
  'invocation.enqueue': { input: EnqueueInput; output: Enqueued }
  'invocation.claim': {
    input: {
      wanted: readonly { tenant: string; function: string; limit: number }[]
      now: number
      leaseMs: number
    }
    output: readonly InvocationRow[]
  }
  'invocation.renew': { input: { leases: readonly string[]; until: number }; output: void }
  'invocation.settle': { input: SettleInput; output: Settled }
  'invocation.recover': { input: { now: number }; output: number }
  'idempotency.begin': {
    input: IdempotencyTarget & {
      request: string
      now: number
      expiresAt: number
      quota: EventQuota
      answer: string | null
      enqueue: EnqueueInput | null
    }
    output: IdempotencyBegun
  }
  /** Without an answer the key is free again. */
  'idempotency.finish': { input: IdempotencyTarget & { answer: string | null; bytesMax: number }; output: boolean }
}

interface IdempotencyTarget {
  readonly tenant: string
  readonly function: string
  readonly key: string
}

export interface EnqueueInput {
  readonly invocation: NewRow
  readonly quota: EventQuota
  readonly now: number
}

/** An event on its way in. */
export interface NewRow {
  readonly id: string
  readonly tenant: string
  readonly function: string
  readonly target: string
  readonly trigger: string
  readonly input: string
  readonly depth: number
  readonly parentRun: string | null
  readonly dueAt: number
}

export type OnwardInput =
  | { readonly send: QueueSend; readonly enqueue?: undefined }
  | { readonly enqueue: EnqueueInput; readonly send?: undefined }

export interface SettleInput {
  readonly lease: string
  readonly now: number
  readonly kind: 'retry' | 'done' | 'failed'
  readonly dueAt: number | null
  readonly attempts: number | null
  readonly counts: 0 | 1
  readonly run: string | null
  readonly error: string | null
  readonly onward: OnwardInput | null
  readonly quota: EventQuota | null
}

/** An event as it is stored, with the name of its tenant. */
export interface InvocationRow {
  readonly number: number
  readonly tenant: string
  readonly id: string
  readonly function: string
  readonly target: string
  readonly trigger: string
  readonly input: string
  readonly depth: number
  readonly parent_run: string | null
  readonly created_at: number
  readonly planned_at: number
  readonly due_at: number
  readonly state: string
  readonly attempts: number
  readonly claims: number
  readonly interrupted: number
  readonly lease: string
  readonly run: string | null
  readonly error: string | null
}
