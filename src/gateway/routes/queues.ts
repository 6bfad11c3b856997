import { z } from 'zod'
import { CloisterError } from '../../core/errors.ts'
import { LEASE_SECONDS, RETENTION_SECONDS } from '../../core/queue-rules.ts'
import { millis } from '../../core/quantity.ts'
import type { QueueState, QueueStore } from '../../core/queues.ts'
import { DONE, JSON_TYPE, json } from '../answer.ts'
import type { Data, Directory } from '../ports.ts'
import { type Route, jsonBody, route } from '../route.ts'
import { report } from '../schemas.ts'

interface Parts {
  readonly directory: Directory
  readonly data: Pick<Data, 'perform'>
  readonly queues: Pick<QueueStore, 'put' | 'list' | 'find' | 'delete' | 'peek' | 'purge'>
}

const peekQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(10).describe('Messages of a page.'),
  after: z.string().optional().describe('Continue after the message of this id.'),
})

const settings = z.strictObject({
  retentionSeconds: z
    .number()
    .min(RETENTION_SECONDS.min)
    .max(RETENTION_SECONDS.max)
    .optional()
    .describe('A message that nobody has dealt with goes after so long.'),
  leaseSeconds: z
    .number()
    .min(LEASE_SECONDS.min)
    .max(LEASE_SECONDS.max)
    .optional()
    .describe('How long a message is nobody else’s once it is claimed.'),
})

const message = z.strictObject({
  body: z.unknown().describe('Any JSON.'),
  delaySeconds: z.number().optional().describe('Nobody gets it before so many seconds: 0 to 43200.'),
  deduplicationId: z
    .string()
    .optional()
    .describe('A second message with the same one within five minutes is not sent.'),
  orderingKey: z.string().optional().describe('Messages with the same one are dealt with in their order.'),
})

/** Queues, filled within the bounds of the tenant's grant, looked at and emptied from outside. Looking changes nothing. */
export function queueRoutes({ directory, data, queues }: Parts): readonly Route[] {
  const missing = (): CloisterError => new CloisterError('NOT_FOUND', 'there is no such queue')
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/queues',
      caller: 'tenant',
      summary: 'All queues, by name, with how much is in each.',
      answer: { status: 200, description: 'The queues.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        return json({ queues: (await queues.list(path.tenant)).map(view) })
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/queues/{queue}',
      caller: 'tenant',
      summary: 'A queue: its settings, and how much is in it.',
      answer: { status: 200, description: 'The queue.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path: { tenant, queue } }) {
        directory.getTenant(tenant)
        const found = await queues.find(tenant, queue)
        if (found === undefined) throw missing()
        return json(view(found))
      },
    }),
    route({
      method: 'PUT',
      path: '/v1/tenants/{tenant}/queues/{queue}',
      caller: 'tenant',
      summary: 'Create a queue, or change the settings that are given.',
      body: jsonBody(settings, 'optional'),
      answer: { status: 200, description: 'The queue; 201 if it is new.', schema: report },
      refusals: ['NOT_FOUND', 'QUOTA_EXCEEDED'],
      async handle({ path: { tenant, queue }, body: { retentionSeconds, leaseSeconds } }) {
        const grant = directory.requireGrant(tenant, 'queues')
        const wanted = {
          ...(retentionSeconds !== undefined && { retention: millis(retentionSeconds * 1_000) }),
          ...(leaseSeconds !== undefined && { lease: millis(leaseSeconds * 1_000) }),
        }
        const outcome = await queues.put(tenant, queue, wanted, grant)
        if (outcome === 'queues-exceeded') {
          throw new CloisterError(
            'QUOTA_EXCEEDED',
            `a tenant may have ${grant.queues} queues (capabilities.queues.queues)`,
          )
        }
        const found = await queues.find(tenant, queue)
        if (found === undefined) throw missing()
        return json(view(found), outcome === 'created' ? 201 : 200)
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/tenants/{tenant}/queues/{queue}',
      caller: 'tenant',
      summary: 'Delete a queue with its messages.',
      answer: { status: 204, description: 'It is deleted.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        if (await queues.delete(path.tenant, path.queue)) return DONE
        throw missing()
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/queues/{queue}/messages',
      caller: 'tenant',
      summary: 'Look at messages in the order in which they were sent.',
      query: peekQuery,
      answer: { status: 200, description: 'The page.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path, query: { limit, after } }) {
        if ((await queues.find(path.tenant, path.queue)) === undefined) throw missing()
        const found = await queues.peek(path.tenant, path.queue, { limit, ...(after !== undefined && { after }) })
        const messages = found.map(({ body, sentAt, visibleAt, ...message }) => ({
          ...message,
          body: JSON.parse(body) as unknown,
          sentAt: new Date(sentAt).toISOString(),
          visibleAt: new Date(visibleAt).toISOString(),
        }))
        return json({ messages })
      },
    }),
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/queues/{queue}/messages',
      caller: 'tenant',
      summary: 'Send a message. A queue that is not there is created.',
      body: jsonBody(message),
      answer: { status: 201, description: 'Its id, and whether it is a duplicate.', schema: report },
      refusals: ['NOT_FOUND', 'QUOTA_EXCEEDED'],
      async handle({ path: { tenant, queue }, body: { body, ...options } }) {
        const sent = await data.perform(tenant, 'queues.send', [queue, body, options])
        return { status: 201, type: JSON_TYPE, body: sent }
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/tenants/{tenant}/queues/{queue}/messages',
      caller: 'tenant',
      summary: 'Remove every message of a queue.',
      answer: { status: 200, description: 'How many there were.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        if ((await queues.find(path.tenant, path.queue)) === undefined) throw missing()
        return json({ purged: await queues.purge(path.tenant, path.queue) })
      },
    }),
  ]
}

function view({ name, retention, lease, createdAt, messages, bytes }: QueueState): object {
  const settings = { retentionSeconds: retention / 1_000, leaseSeconds: lease / 1_000 }
  return { name, ...settings, createdAt: new Date(createdAt).toISOString(), messages, bytes }
}
