import type { QueuesGrant } from '../core/policy.ts'
import { millis } from '../core/quantity.ts'
import {
  BATCH_BYTES_MAX,
  BATCH_MESSAGES_MAX,
  DELAY_SECONDS_MAX,
  TAG_BYTES_MAX,
  queueNameFault,
} from '../core/queue-rules.ts'
import type { OutgoingMessage, QueueStore, SendOutcome, SentMessage } from '../core/queues.ts'
import { invalid, jsonOf, optionsOf, textOf } from './arguments.ts'
import { type Capability, CapabilityError, type Operation, causeOf } from './capability.ts'

interface Parts {
  readonly store: QueueStore
}

const OPTIONS = ['delaySeconds', 'deduplicationId', 'orderingKey'] as const

/** Host half of `queues`: the side that sends. A message is on disk before its sender is told so. */
export function createQueuesCapability({ store }: Parts): Capability<'queues'> {
  const operations = new Map<string, Operation<QueuesGrant>>([
    [
      'send',
      {
        effect: 'lasting',
        async run(scope, grant, [queue, body, options]) {
          const message = {
            ...causeOf(scope),
            body: jsonOf(body, 'body', grant.messageBytes),
            ...tagsOf(optionsOf(options, OPTIONS), 'options'),
          }
          const [sent] = sentOf(await store.send(scope.tenant, nameOf(queue), [message], grant), grant)
          return JSON.stringify(sent)
        },
      },
    ],
    [
      'sendMany',
      {
        effect: 'lasting',
        weigh: ([, messages]) =>
          Array.isArray(messages) ? Math.min(Math.max(messages.length, 1), BATCH_MESSAGES_MAX) : 1,
        async run(scope, grant, [queue, messages]) {
          const outgoing = messagesOf(messages, grant).map((message) => ({ ...message, ...causeOf(scope) }))
          return JSON.stringify(sentOf(await store.send(scope.tenant, nameOf(queue), outgoing, grant), grant))
        },
      },
    ],
  ])
  return { name: 'queues', operations, argumentsMax }
}

/** All bodies of a call, with what else may stand beside each: every byte of it may be an escape of six. */
function argumentsMax(): number {
  return BATCH_BYTES_MAX + BATCH_MESSAGES_MAX * (2 * 6 * TAG_BYTES_MAX + 200)
}

function nameOf(given: unknown): string {
  if (typeof given !== 'string') throw invalid('queue must be a string')
  const fault = queueNameFault(given)
  if (fault !== undefined) throw invalid(`queue ${fault}`)
  return given
}

function messagesOf(given: unknown, grant: QueuesGrant): readonly OutgoingMessage[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > BATCH_MESSAGES_MAX) {
    throw invalid(`messages must be a list of 1 to ${BATCH_MESSAGES_MAX} messages`)
  }
  const messages = given.map((one: unknown, index): OutgoingMessage => {
    const name = `messages[${index}]`
    if (typeof one !== 'object' || one === null || Array.isArray(one))
      throw invalid(`${name} must be an object with body`)
    const { body, ...tags } = one as Record<string, unknown>
    const unknown = Object.keys(tags).find((tag) => !(OPTIONS as readonly string[]).includes(tag))
    if (unknown !== undefined) {
      throw invalid(`${name}.${unknown.slice(0, 50)} is not known; there is body, ${OPTIONS.join(', ')}`)
    }
    return { body: jsonOf(body, `${name}.body`, grant.messageBytes), ...tagsOf(tags, name) }
  })
  const size = messages.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0)
  if (size > BATCH_BYTES_MAX)
    throw invalid(`messages have ${size} bytes as JSON; at most ${BATCH_BYTES_MAX} go in one call`)
  return messages
}

function tagsOf(
  { delaySeconds = 0, deduplicationId, orderingKey }: Record<string, unknown>,
  name: string,
): Omit<OutgoingMessage, 'body'> {
  if (typeof delaySeconds !== 'number' || !(delaySeconds >= 0 && delaySeconds <= DELAY_SECONDS_MAX)) {
    throw invalid(`${name}.delaySeconds must be a number from 0 to ${DELAY_SECONDS_MAX}`)
  }
  return {
    delay: millis(delaySeconds * 1_000),
    ...(deduplicationId !== undefined && {
      deduplicationId: textOf(deduplicationId, `${name}.deduplicationId`, TAG_BYTES_MAX),
    }),
    ...(orderingKey !== undefined && { orderingKey: textOf(orderingKey, `${name}.orderingKey`, TAG_BYTES_MAX) }),
  }
}

function sentOf(outcome: SendOutcome, grant: QueuesGrant): readonly SentMessage[] {
  switch (outcome.outcome) {
    case 'done':
      return outcome.sent
    case 'queues-exceeded':
      throw new CapabilityError(
        'QUOTA_EXCEEDED',
        `a tenant may have ${grant.queues} queues (capabilities.queues.queues)`,
      )
    case 'messages-exceeded':
      throw new CapabilityError(
        'QUOTA_EXCEEDED',
        `a tenant may keep ${grant.messages} messages (capabilities.queues.messages)`,
      )
    case 'bytes-exceeded':
      throw new CapabilityError(
        'QUOTA_EXCEEDED',
        `a tenant may keep ${grant.storedBytes} bytes of messages (capabilities.queues.storedBytes)`,
      )
  }
}
