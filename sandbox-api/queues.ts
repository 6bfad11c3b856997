import type { Call } from './calls.ts'
import { freeze } from './primordials.ts'
import type { Queues } from './storage-types.d.ts'

/** Guest half of `queues`: its host half, with the checks that count, is src/broker/queues.ts. */
export function createQueues(call: Call): Queues {
  return freeze({
    send: (queue: string, body: unknown, options?: object) => call('queues.send', [queue, body, options]),
    sendMany: (queue: string, messages: unknown) => call('queues.sendMany', [queue, messages]),
  }) as Queues
}
