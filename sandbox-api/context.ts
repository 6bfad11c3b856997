import type { Call } from './calls.ts'
import { addCapabilities } from './capabilities.ts'
import type { Clock } from './clock.ts'
import { createDurable } from './durable.ts'
import { assign, freeze, max, parse } from './primordials.ts'
import type { Web } from './web/host.ts'

/** What a context is made of. */
interface ContextParts {
  readonly waitUntil: (promise: unknown) => void
  readonly call: Call
  readonly clock: Clock
  readonly capabilities: readonly string[]
  readonly openWeb: () => Web
  readonly suspend: () => void
  readonly bound: object | undefined
}

/** What the guest's function gets as its second argument. Its capabilities are dead once the run is over. */
export function createContext(contextText: string, parts: ContextParts): object {
  const { waitUntil, call, clock, capabilities, openWeb, suspend, bound } = parts
  const given = parse(contextText) as { wallMs: number; function: object | null; env: object } & Record<string, unknown>
  const deadline = clock.now() + given.wallMs
  const context: Record<string, unknown> = {
    runId: given['runId'],
    tenant: given['tenant'],
    function: freeze(given.function),
    attempt: given['attempt'],
    remainingMs: () => max(0, deadline - clock.now()),
    waitUntil,
    env: freeze(given.env),
  }
  if (bound !== undefined) context['bound'] = bound
  if (given['params'] !== undefined) context['params'] = given['params']
  if (given['caller'] !== undefined) context['caller'] = given['caller']
  addCapabilities(context, capabilities, call, openWeb)
  if (given['executionId'] !== undefined) {
    context['executionId'] = given['executionId']
    assign(context, createDurable(call, suspend))
  }
  return freeze(context)
}
