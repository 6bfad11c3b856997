import type { TenantId } from '../core/ids.ts'
import type { CellParts } from './cell-parts.ts'
import type { Policy } from '../core/policy.ts'
import type { Session, Ticket } from '../core/run.ts'
import type { CellProfile } from './profile.ts'
import type { Assignment, Boot, Start } from '../wire/to-cell.ts'

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
    cpuMs: limits.cpu,
    outputBytes: limits.output,
    logBytes: limits.logs,
    logLines: limits.logLines,
    pendingCalls: limits.pendingCalls,
    timers: limits.timers,
    runsMax: instance.runsMax,
    isolatesMax: Math.min(ISOLATES_MAX, instance.runsPerCell),
    capabilities: [...Object.keys(capabilities), ...(capabilities.secrets?.reveal === true ? ['secrets.reveal'] : [])],
    engine,
  }
}

/** What a cell is told first. One that is inspected makes its isolates when a run comes, with the inspector in them. */
export function bootOf({ program, isolatesPerBlankCell, inspection }: CellParts, { memoryMb }: CellProfile): Boot {
  const { runtime, web } = program
  if (inspection === undefined) return { runtime, web, memoryMb, isolates: isolatesPerBlankCell }
  const { mode, origin } = inspection
  return { runtime, web, memoryMb, isolates: 0, inspection: { mode, origin } }
}

/** What a cell is told of a run. */
export function startOf(ticket: Ticket, artifact: number, { bindings }: Session): Start {
  const { reuse, wall, request } = ticket
  return { artifact, reuse, wallMs: wall, context: contextOf(ticket, bindings?.values ?? ''), input: request.input }
}

/**
 * What the guest sees as `context`. Made of parsed ids and numbers, with nothing to escape, and of the
 * configuration of the tenant and the function. Invariant: ASCII, which the wire counts on.
 */
function contextOf({ run, request, wall, env: shared }: Ticket, values: string): string {
  const {
    tenant,
    trigger,
    stage,
    function: deployed,
    env,
    exchange,
    parameters,
    caller,
    execution,
    attempt = 1,
  } = request
  const streams = exchange === undefined ? '' : ',"streams":true'
  const bound = values === '' ? '' : `,"bound":${asciiText(values)}`
  const params = parameters === undefined ? '' : `,"params":${asciiJson(parameters.params)}`
  const proved = caller === undefined ? '' : `,"caller":${asciiJson(caller)}`
  const executing = execution === undefined ? '' : `,"executionId":"${execution.id}"`
  const name = deployed === undefined ? 'null' : `{"name":"${deployed.name}","version":${deployed.version}}`
  return (
    `{"runId":"${run}","tenant":"${tenant}","trigger":"${stage ?? trigger}","function":${name},"attempt":${attempt},` +
    `"wallMs":${wall},"env":${shared === undefined && env === undefined ? '{}' : asciiJson({ ...shared, ...env })}${streams}${bound}${params}${proved}${executing}}`
  )
}

function asciiJson(value: object): string {
  return asciiText(JSON.stringify(value))
}

/** JSON text with what is not ASCII, which stands in strings only, as escapes. */
function asciiText(json: string): string {
  return json.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
