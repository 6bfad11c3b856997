import type { Call } from './calls.ts'
import { freeze } from './primordials.ts'
import type { Invoke } from './types.d.ts'

/** Guest half of `invoke`: its host half, with the checks that count, is src/broker/invoke.ts. */
export function createInvoke(call: Call): Invoke {
  const invoke = (name: string, input?: unknown, options?: object): Promise<unknown> =>
    call('invoke.call', [name, input ?? null, options])
  return freeze(invoke) as Invoke
}
