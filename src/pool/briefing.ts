import type { TenantId } from '../core/ids.ts'
import type { Policy } from '../core/policy.ts'
import type { Ticket } from '../core/run.ts'
import type { Assignment } from '../wire/to-cell.ts'

/** Isolates that may lie idle in a cell with a tenant's code in them: each holds a heap. */
const ISOLATES_MAX = 16

/** What a cell is told of its tenant: the bounds that the guest runtime keeps by itself, and the granted capabilities. */
export function assignmentOf(
  tenant: TenantId,
  { limits, instance, engine, capabilities }: Policy,
  entries: Assignment['entries'],
): Assignment {
  return {
    tenant,
    entries,
    memoryMb: limits.memory,
    outputBytes: limits.output,
    logBytes: limits.logs,
    logLines: limits.logLines,
    pendingCalls: limits.pendingCalls,
    timers: limits.timers,
    runsMax: instance.runsMax,
    isolatesMax: Math.min(ISOLATES_MAX, instance.runsPerCell),
    capabilities: Object.keys(capabilities),
    engine,
  }
}

/** What the guest sees as `context`. Made of parsed ids and numbers only: ASCII, with nothing to escape. */
export function contextOf({ run, request, wall }: Ticket): string {
  return `{"runId":"${run}","tenant":"${request.tenant}","trigger":"${request.trigger}","attempt":1,"wallMs":${wall},"env":{}}`
}
