import type { Clock } from '../core/clock.ts'
import type { TenantId } from '../core/ids.ts'
import type { Grants } from '../core/policy.ts'
import type { Broker, CallAnswer, Session, Ticket, Traffic } from '../core/run.ts'
import { type Capability, CapabilityError, type Operation } from './capability.ts'
import { SessionScope } from './scope.ts'

interface Parts {
  readonly capabilities: readonly Capability[]
  readonly clock: Clock
  /** Told of what went wrong on the host's side of an operation; the guest only learns that it failed. */
  readonly onFault: (operation: string, error: unknown) => void
}

interface Route {
  readonly name: keyof Grants
  readonly operation: Operation<never>
  readonly argumentsMax: (grant: never) => number
}
type Routes = ReadonlyMap<string, Route>

export interface RevocableBroker extends Broker {
  /** Ends every open session of a tenant that was deleted: whoever has its name next is somebody else. */
  revoke(tenant: TenantId): void
}

/**
 * Opens sessions: the only way by which a run reaches anything outside its cell.
 *
 * Invariant: the tenant of an operation is the ticket's. Nothing in a message can name another one.
 */
export function createBroker({ capabilities, clock, onFault }: Parts): RevocableBroker {
  const routes = new Map<string, Route>()
  for (const { name, operations, argumentsMax } of capabilities) {
    for (const [verb, operation] of operations) routes.set(`${name}.${verb}`, { name, operation, argumentsMax })
  }
  /** How often a name was deleted; grows with what administrators delete, not with what tenants do. */
  const revocations = new Map<TenantId, number>()
  return {
    open(ticket) {
      const { tenant } = ticket.request
      const mine = revocations.get(tenant) ?? 0
      return new OpenSession({
        ticket,
        clock,
        routes,
        onFault,
        isRevoked: () => (revocations.get(tenant) ?? 0) !== mine,
      })
    },
    revoke(tenant) {
      revocations.set(tenant, (revocations.get(tenant) ?? 0) + 1)
    },
  }
}

interface SessionParts {
  readonly ticket: Ticket
  readonly clock: Clock
  readonly routes: Routes
  readonly onFault: Parts['onFault']
  readonly isRevoked: () => boolean
}

class OpenSession implements Session {
  readonly #ticket: Ticket
  readonly #routes: Routes
  readonly #onFault: Parts['onFault']
  readonly #isRevoked: () => boolean
  readonly #scope: SessionScope
  readonly #counts = new Map<string, number>()
  /** Operations so far by capability: what the grant's quota bounds. */
  readonly #used = new Map<keyof Grants, number>()
  #open = true
  #hadEffects = false

  constructor({ ticket, clock, routes, onFault, isRevoked }: SessionParts) {
    this.#ticket = ticket
    this.#routes = routes
    this.#onFault = onFault
    this.#isRevoked = isRevoked
    this.#scope = new SessionScope(ticket, clock)
  }

  get operations(): Readonly<Record<string, number>> {
    return this.#counts.size === 0 ? NONE : Object.fromEntries(this.#counts)
  }

  get traffic(): Traffic {
    return this.#scope.traffic
  }

  get hadEffects(): boolean {
    return this.#hadEffects
  }

  async call(name: string, payload: string): Promise<CallAnswer> {
    try {
      return { ok: true, text: await this.#perform(name, payload) }
    } catch (error) {
      if (error instanceof CapabilityError) return refusal(error)
      this.#onFault(name, error)
      return refusal({ code: 'UNAVAILABLE', message: 'the operation failed on the host; it may have taken effect' })
    }
  }

  [Symbol.dispose](): void {
    this.#open = false
    this.#scope.close((error) => this.#onFault('session.close', error))
  }

  #perform(name: string, payload: string): Promise<string> {
    const route = this.#routes.get(name)
    if (!this.#open || this.#isRevoked()) throw new CapabilityError('RUN_OVER', 'the run is over')
    if (route === undefined) throw new CapabilityError('UNKNOWN_OPERATION', 'there is no such operation')
    const grant = this.#ticket.policy.capabilities[route.name]
    if (grant === undefined) throw new CapabilityError('NOT_GRANTED', `the policy does not grant ${route.name}`)
    const used = (this.#used.get(route.name) ?? 0) + 1
    if (used > grant.operations) {
      throw new CapabilityError(
        'QUOTA_EXCEEDED',
        `a run may use ${route.name} ${grant.operations} times (capabilities.${route.name}.operations)`,
      )
    }
    this.#used.set(route.name, used)
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    if (route.operation.effect === 'lasting') this.#hadEffects = true
    const args = parseArguments(payload, route.argumentsMax(grant as never))
    return route.operation.run(this.#scope, grant as never, args)
  }
}

const NONE: Readonly<Record<string, number>> = Object.freeze({})

/** The payload comes from a cell: JSON of any shape, which each operation checks argument by argument. */
function parseArguments(payload: string, lengthMax: number): readonly unknown[] {
  if (payload.length > lengthMax) {
    throw new CapabilityError(
      'INVALID_ARGUMENT',
      `the arguments have ${payload.length} characters as JSON; the policy has use for ${lengthMax} at most`,
    )
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(payload)
  } catch {
    throw new CapabilityError('INVALID_ARGUMENT', 'the arguments are not JSON')
  }
  if (!Array.isArray(parsed)) throw new CapabilityError('INVALID_ARGUMENT', 'the arguments are not a list')
  return parsed
}

function refusal({
  code,
  message,
  details,
}: Pick<CapabilityError, 'code' | 'message'> & Partial<CapabilityError>): CallAnswer {
  return { ok: false, text: JSON.stringify({ code, message, ...(details !== undefined && { details }) }) }
}
