import { type Micros, type Units, bytes, micros, millisToMicros, units } from '../core/quantity.ts'
import type { Policy } from '../core/policy.ts'
import type { Consumed, LogLine, Operations, Report, Ticket, Usage } from '../core/run.ts'

/** A billing unit in µs: 100 ms. */
const UNIT_MICROS = 100_000

/** The most time that a run is ever charged for. */
export interface TimeCeiling {
  readonly wall: Micros
  readonly cpu: Micros
}

/** A run's limits. Time beyond them is the host being late to end it, and the host's lateness is nobody's bill. */
export function timeCeiling({ wall, policy }: Ticket): TimeCeiling {
  return { wall: millisToMicros(wall), cpu: millisToMicros(policy.limits.cpu) }
}

/**
 * The most traffic that a run is ever charged for: what the grants of its policy bound, for as many operations as they
 * grant, and the bodies that it exchanges with a caller over HTTP. A capability whose grant bounds no bytes has no traffic to
 * charge.
 */
export function trafficCeiling({ request, policy: { capabilities, limits } }: Ticket): {
  readonly egressBytes: bigint
  readonly ingressBytes: bigint
} {
  const isExchange = request.exchange !== undefined
  // A response is streamed, or whole and then a result; in JSON, which is never shorter.
  let egressBytes = isExchange ? BigInt(limits.streamOut) + BigInt(limits.output) : 0n
  let ingressBytes = isExchange ? BigInt(limits.streamIn) : 0n
  for (const grant of Object.values(capabilities) as readonly TrafficGrant[]) {
    egressBytes += BigInt(grant.operations) * BigInt(grant.requestBytes ?? 0)
    ingressBytes += BigInt(grant.operations) * BigInt(grant.responseBytes ?? 0)
  }
  return { egressBytes, ingressBytes }
}

/** A grant as far as traffic goes. */
interface TrafficGrant {
  readonly operations: number
  readonly requestBytes?: number
  readonly responseBytes?: number
}

/** Wall time in units of 100 ms, begun ones whole: 100 ms is 1, 100.001 ms is 2. The least is 1. */
export function unitsOf(wall: Micros): Units {
  return units(Math.max(1, Math.ceil(wall / UNIT_MICROS)))
}

/**
 * Decides what a run consumed. Pure: the same report, ticket and counts always make the same usage. The outcome
 * does not matter, because every outcome is the doing of the tenant's code and is charged alike.
 *
 * Invariant: no figure comes from the cell but sizes of bytes that the host holds itself.
 */
export function measure(report: Report, ticket: Ticket, { operations, traffic }: Consumed): Usage {
  const ceiling = timeCeiling(ticket)
  const ceilings = trafficCeiling(ticket)
  const wall = wholeMicros(report.wall, ceiling.wall)
  return {
    wall,
    cpu: wholeMicros(report.cpu, ceiling.cpu),
    units: unitsOf(wall),
    memory: ticket.policy.limits.memory,
    peakMemory: report.peakMemory,
    operations: grantedOperations(operations, ticket.policy),
    inputSize: bytes(ticket.request.input.byteLength),
    outputSize: bytes(report.result?.byteLength ?? 0),
    logSize: bytes(report.logs.reduce(addLogSize, 0)),
    egress: bytes(Math.min(traffic.egress, Number(ceilings.egressBytes))),
    ingress: bytes(Math.min(traffic.ingress, Number(ceilings.ingressBytes))),
    coldStart: report.coldStart,
  }
}

/**
 * Operations up to what the policy grants a run of each capability. The broker lets no more through; were it to, the
 * run must still not become dearer than what was held for it.
 */
function grantedOperations(operations: Operations, { capabilities }: Policy): Operations {
  const left = new Map(Object.entries(capabilities).map(([capability, grant]) => [capability, grant.operations]))
  const granted: Record<string, number> = {}
  for (const [name, count] of Object.entries(operations)) {
    const capability = name.slice(0, name.indexOf('.'))
    const room = left.get(capability) ?? 0
    if (room > 0 && count > 0) granted[name] = Math.min(count, room)
    left.set(capability, room - Math.min(count, room))
  }
  return granted
}

function wholeMicros(time: Micros, ceiling: Micros): Micros {
  return micros(Math.min(Math.ceil(time), ceiling))
}

function addLogSize(size: number, line: LogLine): number {
  return size + Buffer.byteLength(line.message)
}
