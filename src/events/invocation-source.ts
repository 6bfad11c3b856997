import type { ClaimedInvocation, InvocationLane, InvocationStore, LanePosition } from '../core/invocations.ts'
import type { Millis } from '../core/quantity.ts'
import { type AttemptParts, attempt } from './attempt.ts'
import type { Source, Work } from './dispatcher.ts'
import type { Lane, Share } from './lane-ring.ts'

/** Asynchronous runs of one function. */
export interface FunctionLane extends Lane, InvocationLane {}

interface Parts extends AttemptParts {
  readonly store: InvocationStore
  /** What was to be sent on did not fit, or came too late to count. */
  readonly onSettled: (event: ClaimedInvocation, how: 'undeliverable' | 'lost') => void
  /** Another function has an event now. */
  readonly onQueued: (lane: FunctionLane) => void
}

/** Lanes that one look at the store passes. */
const SCAN_STEP = 256

/** The lane of a function's asynchronous runs. */
export function functionLane({ tenant, function: name }: InvocationLane): FunctionLane {
  return { key: `function ${tenant} ${name}`, tenant, function: name }
}

/** Asynchronous runs as a source of events. */
export function createInvocationSource(parts: Parts): Source<FunctionLane> {
  const { store } = parts
  let cursor: LanePosition | undefined
  return {
    async scan(now) {
      const { lanes, next } = await store.dueLanes(now, cursor, SCAN_STEP)
      cursor = next
      return lanes.map(functionLane)
    },
    async claim(shares: readonly Share<FunctionLane>[], lease) {
      const wanted = shares.map(({ lane: { tenant, function: name }, limit }) => ({ tenant, function: name, limit }))
      return (await store.claim(wanted, lease)).map((event): Work => ({
        lane: functionLane(event),
        leases: [event.lease],
        run: () => work(parts, event),
      }))
    },
    renew: (leases, lease) => store.renew(leases, lease),
    runsMax: () => Infinity,
  }
}

async function work(parts: Parts, event: ClaimedInvocation): Promise<Millis | undefined> {
  const { settlement, pause } = await attempt(parts, event)
  const settled = await parts.store.settle(event.lease, settlement)
  if (settled !== 'done') parts.onSettled(event, settled)
  const onward = settlement.kind === 'retry' ? undefined : settlement.onward
  if (onward !== undefined && 'invocation' in onward) parts.onQueued(functionLane(onward.invocation))
  return pause
}
