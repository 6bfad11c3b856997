import { createBroker } from '../../src/broker/broker.ts'
import type { Capability } from '../../src/broker/capability.ts'
import type { Clock } from '../../src/core/clock.ts'
import { parseTenantId } from '../../src/core/ids.ts'
import type { Grants } from '../../src/core/policy.ts'
import { epochMillis, millis } from '../../src/core/quantity.ts'
import type { Session } from '../../src/core/run.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { ticketOf } from '../scheduler/ticket.ts'

export const START_MS = Date.UTC(2026, 0, 1)

/** What came of a call: a value, or a refusal. */
export interface Answer {
  readonly value?: any
  readonly code?: string
  readonly message?: string
}

/** Calls `capability.operation` as a guest would. */
export type Calls = ((operation: string, ...args: unknown[]) => Promise<Answer>) & { readonly session: Session }

export interface GuestWorld extends AsyncDisposable {
  readonly stores: Awaited<ReturnType<typeof openTemporaryStores>>
  readonly clock: Clock
  readonly faults: unknown[]
  nowMs(): number
  pass(ms: number): void
  /** A way to call these capabilities, in a session of its own for each time that it is asked; all end with the world. */
  callers(capabilities: readonly Capability[]): (tenant: string, grants: Grants) => Calls
  /** Ends all sessions, and closes what they have open. */
  endSessions(): void
}

/** Real stores with some tenants, and a clock of the test's own. */
export async function openGuestWorld(tenants: readonly string[]): Promise<GuestWorld> {
  let nowMs = START_MS
  const clock = { now: () => epochMillis(nowMs), elapsed: () => millis(nowMs) }
  const stores = await openTemporaryStores({ clock })
  for (const name of tenants) {
    const id = parseTenantId(name)
    if (id === undefined) throw new Error(`${name} is no tenant`)
    await stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: clock.now(), updatedAt: clock.now() })
  }
  const faults: unknown[] = []
  const base = loadPolicies([]).resolve('default')
  // Held until the end: a run that is over closes what it has open, and here nobody ends them.
  const sessions: Session[] = []
  const endSessions = (): void => {
    for (const session of sessions.splice(0)) session[Symbol.dispose]()
  }
  return {
    stores,
    clock,
    faults,
    nowMs: () => nowMs,
    pass: (ms) => void (nowMs += ms),
    callers(capabilities) {
      const broker = createBroker({ capabilities, clock, onFault: (_, error) => faults.push(error) })
      return (tenant, grants) => {
        const session = broker.open(ticketOf(tenant, { ...base, capabilities: grants }))
        sessions.push(session)
        const call = async (operation: string, ...args: unknown[]): Promise<Answer> => {
          const { ok, text } = await session.call(operation, JSON.stringify(args))
          return ok ? { value: text === '' ? undefined : JSON.parse(text) } : JSON.parse(text)
        }
        return Object.assign(call, { session })
      }
    },
    endSessions,
    async [Symbol.asyncDispose]() {
      endSessions()
      await stores[Symbol.asyncDispose]()
    },
  }
}
