import type { EventQuota } from '../../core/policy.ts'
import type { NewRow } from './invocation-commands.ts'

/** What event sources ask of the writer. */
export interface EventSourceCommands {
  'schedule.keep': {
    input: {
      number: number
      expected: number | null
      next: number | null
      last: number | null
      events: readonly NewRow[]
      quota: EventQuota
      now: number
    }
    output: boolean
  }
  'schedule.pause': { input: { tenant: string; number: number; paused: 0 | 1 }; output: boolean }
}
