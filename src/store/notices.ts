import type { Change } from '../core/event-sources.ts'

/** Whoever wants to know that something may have become due. */
export type Notices = Set<(change: Change) => void>

/** Resolves as the write does, after telling whoever listens. */
export async function telling<Value>(notices: Notices, change: Change, write: Promise<Value>): Promise<Value> {
  const value = await write
  for (const listener of notices) listener(change)
  return value
}
