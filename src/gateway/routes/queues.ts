import { z } from 'zod'
import { CloisterError } from '../../core/errors.ts'
import type { QueueState, QueueStore } from '../../core/queues.ts'
import { DONE, json } from '../answer.ts'
import type { Directory } from '../ports.ts'
import { type Route, route } from '../route.ts'
import { report } from '../schemas.ts'

interface Parts {
  readonly directory: Directory
  readonly queues: Pick<QueueStore, 'list' | 'find' | 'delete' | 'peek' | 'purge'>
}

const peekQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(10).describe('Messages of a page.'),
  after: z.string().optional().describe('Continue after the message of this id.'),
})

/** Queues, looked at and emptied from outside. Looking changes nothing. */
export function queueRoutes({ directory, queues }: Parts): readonly Route[] {
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
