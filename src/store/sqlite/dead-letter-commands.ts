import type { Replay, Replayed } from '../../core/dead-letters.ts'
import type { EventQuota } from '../../core/policy.ts'
import type { QueueQuota } from '../../core/queues.ts'

/** What dead letters ask of the writer. */
export interface DeadLetterCommands {
  'letter.edit': { input: { tenant: string; id: string; input: string }; output: boolean }
  'letter.delete': { input: { tenant: string; ids: readonly string[] }; output: number }
  'letter.replay': {
    input: {
      tenant: string
      replays: readonly Replay[]
      now: number
      events: EventQuota
      queues: QueueQuota | null
    }
    output: Replayed
  }
}

/** A letter as it is stored. */
export interface LetterRow {
  readonly number: number
  readonly tenant: number
  readonly id: string
  readonly event: string
  readonly function: string
  readonly target: string
  readonly trigger: string
  readonly input: string
  readonly input_bytes: number
  readonly queue: string | null
  readonly ordering_key: string | null
  readonly attempts: number
  readonly run: string | null
  readonly error: string
  readonly created_at: number
  readonly failed_at: number
  readonly expires_at: number
}
