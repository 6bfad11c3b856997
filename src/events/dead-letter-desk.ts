import type { DeadLetterStore, Replayed } from '../core/dead-letters.ts'
import { CloisterError } from '../core/errors.ts'
import type { FunctionName, RunId, TenantId } from '../core/ids.ts'
import type { Policy } from '../core/policy.ts'

interface Parts {
  readonly letters: DeadLetterStore
  readonly newRunId: () => RunId
  /** Throws NOT_FOUND, INVALID_POLICY. */
  readonly policyOf: (tenant: TenantId) => Policy
}

/** What may be done with dead letters besides looking at them. */
export interface DeadLetterDesk extends Omit<DeadLetterStore, 'replay'> {
  /** Makes an event of a letter again. Rejects with NOT_FOUND, QUOTA_EXCEEDED. */
  replay(tenant: TenantId, id: string): Promise<void>
  /** The same for all of them, or all of a function, in bounded steps. How many; what does not fit stays and is told. */
  replayAll(tenant: TenantId, filter: { readonly function?: FunctionName }): Promise<Replayed>
}

/** Letters of one atomic step. */
const STEP = 500

export function createDeadLetterDesk({ letters, newRunId, policyOf }: Parts): DeadLetterDesk {
  const replay = (tenant: TenantId, ids: readonly string[]): Promise<Replayed> => {
    const { events, capabilities } = policyOf(tenant)
    const replays = ids.map((id) => ({ id, run: newRunId() }))
    return letters.replay(tenant, replays, { events, queues: capabilities.queues })
  }
  return {
    page: (tenant, filter) => letters.page(tenant, filter),
    find: (tenant, id) => letters.find(tenant, id),
    edit: (tenant, id, input) => letters.edit(tenant, id, input),
    delete: (tenant, ids) => letters.delete(tenant, ids),
    async replay(tenant, id) {
      const { replayed, refused } = await replay(tenant, [id])
      if (refused !== undefined) throw new CloisterError('QUOTA_EXCEEDED', `there is no room for the event: ${refused}`)
      if (replayed === 0) throw new CloisterError('NOT_FOUND', `tenant "${tenant}" has no dead letter "${id}"`)
    },
    async replayAll(tenant, filter) {
      let sum = 0
      // Those that come to be meanwhile are newer than the first page, and stay: a function that fails again ends nothing.
      let before: string | undefined
      for (;;) {
        const page = await letters.page(tenant, { ...filter, ...(before !== undefined && { before }), limit: STEP })
        if (page.length === 0) return { replayed: sum }
        // The mark must outlast its letter: the last one goes with the next step.
        const isLast = page.length < STEP
        const ids = page.map(({ id }) => id)
        const kept = isLast ? undefined : ids.pop()
        const { replayed, refused } = await replay(tenant, ids)
        const earlier = before === undefined ? { replayed: 0 } : await replay(tenant, [before])
        sum += replayed + earlier.replayed
        if (refused !== undefined) return { replayed: sum, refused }
        if (kept === undefined) return { replayed: sum }
        before = kept
      }
    },
  }
}
