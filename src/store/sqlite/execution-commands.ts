import type { ExecutionSettlement, JournalEntry } from '../../core/durable.ts'

/** What the host's thread may ask of the writer about executions. */
export interface ExecutionCommands {
  'execution.begin': {
    input: {
      readonly id: string
      readonly tenant: string
      readonly function: string
      readonly version: number
      readonly input: string
      readonly now: number
      readonly openMax: number
    }
    output: boolean
  }
  'execution.record': { input: { readonly id: string; readonly entry: JournalEntry }; output: boolean }
  'execution.take-event': {
    input: { readonly id: string; readonly entry: JournalEntry }
    output: { readonly payload?: string }
  }
  'execution.settle': {
    input: {
      readonly id: string
      readonly settlement: ExecutionSettlement
      readonly run: string | null
      readonly now: number
    }
    output: void
  }
  'execution.deliver': {
    input: {
      readonly tenant: string
      readonly id: string
      readonly name: string
      readonly payload: string
      readonly now: number
      readonly max: number
    }
    output: 'done' | 'none' | 'over' | 'too-many'
  }
  'execution.cancel': { input: { readonly tenant: string; readonly id: string; readonly now: number }; output: boolean }
  'execution.forget': { input: { readonly before: number }; output: boolean }
}
