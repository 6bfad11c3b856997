import type { Policy } from '../core/policy.ts'
import { millis } from '../core/quantity.ts'
import type { Pool, Ticket } from '../core/run.ts'

/** Who stops at a breakpoint thinks for as long as that takes; who has forgotten the run is not kept waiting for ever. */
const LONGEST = millis(86_400_000)

/** A pool whose runs may take a day of wall and CPU time, for a debugger. Every other limit is the policy's. */
export function withoutTimeLimits(pool: Pool): Pool {
  const lifted = new Map<Policy, Policy>()
  const lift = (policy: Policy): Policy =>
    lifted.getOrInsertComputed(policy, () => ({
      ...policy,
      limits: { ...policy.limits, wall: LONGEST, cpu: LONGEST },
    }))
  return {
    lease(ticket: Ticket) {
      // The ticket's own end stays with whoever holds it.
      return pool.lease({ ...ticket, policy: lift(ticket.policy), wall: LONGEST, [Symbol.dispose]() {} })
    },
  }
}
