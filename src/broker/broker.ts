import type { Clock } from '../core/clock.ts'
import type { TenantId } from '../core/ids.ts'
import type { Grant, Grants } from '../core/policy.ts'
import type { Broker, CallAnswer, Hold, Session, Ticket, Traffic } from '../core/run.ts'
import type { LedgerStore } from '../core/stores.ts'
import { DailyOperations } from './daily-operations.ts'
import { RunBindings } from './bindings/bindings.ts'
import { type Capability, CapabilityError, type Operation } from './capability.ts'
import { HTTP_ARGUMENTS_MAX, HTTP_OPERATIONS, httpLineOf } from './http.ts'
import { SessionScope } from './scope.ts'

interface Parts {
  readonly capabilities: readonly Capability[]
  readonly clock: Clock
  /** Where today's operations of earlier processes are found. Absent: there were none. */
  readonly ledger?: Pick<LedgerStore, 'sum'>
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
export function createBroker({ capabilities, clock, ledger, onFault }: Parts): RevocableBroker {
  const routes = new Map<string, Route>()
  for (const { name, operations, argumentsMax } of capabilities) {
    for (const [verb, operation] of operations) routes.set(`${name}.${verb}`, { name, operation, argumentsMax })
  }
  const daily = new DailyOperations({ clock, ledger })
  /** How often a name was deleted; grows with what administrators delete, not with what tenants do. */
  const revocations = new Map<TenantId, number>()
  return {
    open(ticket, hold) {
      const { tenant } = ticket.request
      const mine = revocations.get(tenant) ?? 0
      return new OpenSession({
        ticket,
        hold,
        clock,
        routes,
        daily,
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
  readonly hold: Hold | undefined
  readonly clock: Clock
  readonly routes: Routes
  readonly daily: DailyOperations
  readonly onFault: Parts['onFault']
  readonly isRevoked: () => boolean
}

class OpenSession implements Session {
  readonly #ticket: Ticket
  readonly #hold: Hold | undefined
  readonly #routes: Routes
  readonly #daily: DailyOperations
  readonly #onFault: Parts['onFault']
  readonly #isRevoked: () => boolean
  readonly #scope: SessionScope
  readonly bindings?: RunBindings
  readonly #counts = new Map<string, number>()
  /** Operations so far by capability: what the grant's quota bounds. */
  readonly #used = new Map<keyof Grants, number>()
  #open = true
  #hadEffects = false

  constructor({ ticket, hold, clock, routes, daily, onFault, isRevoked }: SessionParts) {
    this.#ticket = ticket
    this.#hold = hold
    this.#routes = routes
    this.#daily = daily
    this.#onFault = onFault
    this.#isRevoked = isRevoked
    this.#scope = new SessionScope(ticket, clock)
    const { bind } = ticket.request
    if (bind === undefined) return
    this.bindings = new RunBindings({ ticket, bind, call: (name, args) => this.call(name, JSON.stringify(args)) })
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
    this.#refuseIfOver()
    if (route === undefined) return this.#stream(name, payload)
    const grant = this.#ticket.policy.capabilities[route.name]
    if (grant === undefined) throw new CapabilityError('NOT_GRANTED', `the policy does not grant ${route.name}`)
    const carryOut = (): Promise<string> => this.#carryOut(name, route, grant, payload)
    const taken = this.#take(name, route.name, 1, grant)
    return taken === undefined ? carryOut() : taken.then(carryOut)
  }

  /** The first of the call's operations is counted: what is wrong with the others is seen by its arguments. */
  #carryOut(name: string, route: Route, grant: Grant, payload: string): Promise<string> {
    const { operation } = route
    const args = parseArguments(payload, route.argumentsMax(grant as never))
    const run = (): Promise<string> => {
      if (operation.effect === 'lasting') this.#hadEffects = true
      return operation.run(this.#scope, grant as never, args)
    }
    const more = (operation.weigh?.(args) ?? 1) - 1
    const taken = more > 0 ? this.#take(name, route.name, more, grant) : undefined
    return taken === undefined ? run() : taken.then(run)
  }

  /**
   * Counts operations that are about to be made, if the run, the budget and the day have room for them. A promise only while
   * what the day or the month has had is being read.
   */
  #take(name: string, capability: keyof Grants, count: number, grant: Grant): Promise<void> | undefined {
    this.#refuseIfUsedUp(capability, count, grant)
    const allowed = this.#hold?.allow(name, count) ?? true
    const taken = this.#daily.take(this.#scope.tenant, capability, count, grant.operationsPerDay)
    const decide = (isAllowed: boolean, isToday: boolean): void => {
      if (!isAllowed) throw new CapabilityError('BUDGET_EXCEEDED', `the budget has no room for ${name}`)
      if (!isToday) throw this.#dayUsedUp(capability, grant)
      this.#count(name, capability, count)
    }
    if (typeof allowed === 'boolean' && typeof taken === 'boolean') return void decide(allowed, taken)
    return Promise.all([allowed, taken]).then(([isAllowed, isToday]) => {
      // Meanwhile the run may have ended, or have made others.
      this.#refuseIfOver()
      this.#refuseIfUsedUp(capability, count, grant)
      decide(isAllowed, isToday)
    })
  }

  #refuseIfOver(): void {
    if (!this.#open || this.#isRevoked()) throw new CapabilityError('RUN_OVER', 'the run is over')
  }

  #refuseIfUsedUp(capability: keyof Grants, count: number, { operations }: Grant): void {
    if ((this.#used.get(capability) ?? 0) + count <= operations) return
    throw new CapabilityError(
      'QUOTA_EXCEEDED',
      `a run may use ${capability} ${operations} times (capabilities.${capability}.operations)`,
    )
  }

  #dayUsedUp(capability: keyof Grants, { operationsPerDay }: Grant): CapabilityError {
    const resets = new Date(this.#daily.resetsAt).toISOString()
    return new CapabilityError(
      'QUOTA_EXCEEDED',
      `a tenant may use ${capability} ${operationsPerDay} times a day (capabilities.${capability}.operationsPerDay); it resets at ${resets}`,
    )
  }

  #count(name: string, capability: keyof Grants, count: number): void {
    this.#used.set(capability, (this.#used.get(capability) ?? 0) + count)
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count)
  }

  /** Values of outputs, which are written when the run has ended well: nothing is counted before. */
  async #stage(bindings: RunBindings, payload: string): Promise<string> {
    bindings.stage(parseArguments(payload, BOUND_ARGUMENTS_MAX)[0])
    return ''
  }

  /** Bodies of the run's own request and response. Not operations that were granted: nobody counts or prices them. */
  #stream(name: string, payload: string): Promise<string> {
    if (name === 'bound.set' && this.bindings !== undefined) return this.#stage(this.bindings, payload)
    const operation = HTTP_OPERATIONS.get(name)
    const { exchange } = this.#ticket.request
    if (operation === undefined || exchange === undefined) {
      throw new CapabilityError('UNKNOWN_OPERATION', 'there is no such operation')
    }
    this.#hadEffects = true
    return operation(httpLineOf(this.#scope, exchange), parseArguments(payload, HTTP_ARGUMENTS_MAX))
  }
}

const NONE: Readonly<Record<string, number>> = Object.freeze({})

/** Outputs of a run together, in characters: what a guest can send in one call. */
const BOUND_ARGUMENTS_MAX = (2 << 20) + (64 << 10)

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
