import { z } from 'zod'
import { CloisterError } from '../../core/errors.ts'
import type { Schedule } from '../../core/event-sources.ts'
import { DONE, json } from '../answer.ts'
import type { Schedules } from '../event-ports.ts'
import type { Directory } from '../ports.ts'
import { type Route, jsonBody, route } from '../route.ts'
import { report } from '../schemas.ts'

interface Parts {
  readonly directory: Directory
  readonly schedules: Schedules
}

const stateBody = jsonBody(
  z.strictObject({
    state: z
      .enum(['active', 'paused'], 'must be "active" or "paused"')
      .describe('Times that come while it is paused are passed over.'),
  }),
)

/** Lines of cron in the configurations of live versions: what comes next, and what to do about it. */
export function scheduleRoutes({ directory, schedules }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/schedules',
      caller: 'tenant',
      summary: 'Schedules of all functions, with their next times.',
      answer: { status: 200, description: 'The schedules.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        return json({ schedules: (await schedules.list(path.tenant)).map(view) })
      },
    }),
    route({
      method: 'PUT',
      path: '/v1/tenants/{tenant}/schedules/{schedule}',
      caller: 'tenant',
      summary: 'Pause a schedule, or let it go on.',
      body: stateBody,
      answer: { status: 204, description: 'It is so.' },
      refusals: ['NOT_FOUND'],
      async handle({ path, body }) {
        directory.getTenant(path.tenant)
        await schedules.setState(path.tenant, numberOf(path.schedule), body.state)
        return DONE
      },
    }),
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/schedules/{schedule}/run',
      caller: 'tenant',
      summary: 'Run its function now, besides its times.',
      answer: { status: 202, description: 'The run waits for its turn.', schema: report },
      refusals: ['NOT_FOUND', 'QUOTA_EXCEEDED'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        return json({ runId: await schedules.fire(path.tenant, numberOf(path.schedule)), status: 'queued' }, 202)
      },
    }),
  ]
}

function numberOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new CloisterError('NOT_FOUND', 'there is no such schedule: its id is a number')
}

function view({ number, function: name, config, state, nextAt, lastAt }: Schedule): object {
  const { schedule, timezone = 'UTC', missed = 'once' } = config
  return {
    id: String(number),
    function: name,
    schedule,
    timezone,
    missed,
    state,
    nextAt: nextAt === undefined || state === 'paused' ? undefined : new Date(nextAt).toISOString(),
    lastAt: lastAt === undefined ? undefined : new Date(lastAt).toISOString(),
  }
}
