import { z } from 'zod'
import { CloisterError } from '../../core/errors.ts'
import { type Delivery, WEBHOOK_EVENTS } from '../../core/webhooks.ts'
import { DONE, json } from '../answer.ts'
import type { Directory } from '../ports.ts'
import { type Route, jsonBody, route } from '../route.ts'
import type { Webhook, Webhooks } from '../webhook-ports.ts'

interface Parts {
  readonly directory: Pick<Directory, 'getTenant'>
  readonly webhooks: Webhooks
}

const PATH = '/v1/tenants/{tenant}/webhooks/{webhookName}'

const change = z.strictObject({
  url: z.string().describe('`https://…`. `http://` only with `allowPrivate`.'),
  events: z.array(z.enum(WEBHOOK_EVENTS)).min(1).optional().describe('All if absent.'),
  allowPrivate: z
    .boolean()
    .optional()
    .describe('Whether it may be an address that is not on the public internet. For the administrator only.'),
})
const webhook = z.strictObject({
  name: z.string(),
  url: z.string(),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  allowPrivate: z.boolean(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
})
const created = webhook.extend({
  secret: z.string().optional().describe('What its requests are signed with. Told when it is new, and never again.'),
})
const delivery = z.strictObject({
  id: z.string().describe('The header `webhook-id`.'),
  type: z.enum(WEBHOOK_EVENTS),
  state: z.enum(['waiting', 'delivered', 'failed']),
  attempts: z.number(),
  createdAt: z.iso.datetime(),
  nextAttemptAt: z.iso.datetime().optional(),
  settledAt: z.iso.datetime().optional(),
  lastError: z.string().optional(),
})
const trial = z.strictObject({
  ok: z.boolean(),
  elapsedMs: z.number(),
  status: z.number().optional().describe('What the endpoint answered, if that was 2xx.'),
  reason: z.string().optional().describe('Why it did not work.'),
})

/** Where a tenant is told of what happens to its spend. */
export function webhookRoutes({ directory, webhooks }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/webhooks',
      caller: 'tenant',
      summary: 'The webhooks, by name; never their secrets.',
      answer: { status: 200, description: 'The webhooks.', schema: z.strictObject({ webhooks: z.array(webhook) }) },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        return json({ webhooks: (await webhooks.list(path.tenant)).map(viewWebhook) })
      },
    }),
    route({
      method: 'PUT',
      path: PATH,
      caller: 'tenant',
      summary: 'Set a webhook (201, with the secret that its requests are signed with), or change one (200).',
      body: jsonBody(change),
      answer: { status: 200, description: 'The webhook.', schema: created },
      refusals: ['NOT_FOUND', 'CONFLICT', 'FORBIDDEN'],
      async handle({ path, body, principal }) {
        if (body.allowPrivate === true && principal?.kind !== 'admin') {
          throw new CloisterError('FORBIDDEN', 'only the administrator may set `allowPrivate`')
        }
        const reach = body.allowPrivate === true ? 'any' : 'public'
        const events = [...new Set(body.events ?? WEBHOOK_EVENTS)]
        const put = await webhooks.put(path.tenant, path.webhookName, { url: body.url, events, reach })
        const isNew = put.secret !== undefined
        return json({ ...viewWebhook(put.webhook), ...(isNew && { secret: put.secret }) }, isNew ? 201 : 200)
      },
    }),
    route({
      method: 'DELETE',
      path: PATH,
      caller: 'tenant',
      summary: 'Delete a webhook and what waits to be sent to it.',
      answer: { status: 204, description: 'It is deleted.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        await webhooks.delete(path.tenant, path.webhookName)
        return DONE
      },
    }),
    route({
      method: 'GET',
      path: `${PATH}/deliveries`,
      caller: 'tenant',
      summary: 'The last deliveries, the newest first, each with what its last attempt failed of.',
      answer: {
        status: 200,
        description: 'The deliveries.',
        schema: z.strictObject({ deliveries: z.array(delivery) }),
      },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        return json({ deliveries: (await webhooks.deliveries(path.tenant, path.webhookName)).map(viewDelivery) })
      },
    }),
    route({
      method: 'POST',
      path: `${PATH}/test`,
      caller: 'tenant',
      summary: 'Send an event `webhook.test` once, now, and say what came of it.',
      answer: { status: 200, description: 'What came of it, good or bad.', schema: trial },
      refusals: ['NOT_FOUND', 'OVERLOADED'],
      async handle({ path }) {
        const { elapsed, ...rest } = await webhooks.test(path.tenant, path.webhookName)
        return json({ ...rest, elapsedMs: Math.round(elapsed * 10) / 10 })
      },
    }),
  ]
}

function viewWebhook({ name, url, events, reach, createdAt, updatedAt }: Webhook): object {
  return { name, url, events, allowPrivate: reach === 'any', createdAt: iso(createdAt), updatedAt: iso(updatedAt) }
}

function viewDelivery({ id, type, state, attempts, createdAt, at, error }: Delivery): object {
  return {
    id,
    type,
    state,
    attempts,
    createdAt: iso(createdAt),
    ...(state === 'waiting' ? { nextAttemptAt: iso(at) } : { settledAt: iso(at) }),
    ...(error !== undefined && { lastError: error }),
  }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
