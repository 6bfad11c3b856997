import { z } from 'zod'
import type { DeadLetterHead } from '../../core/dead-letters.ts'
import { CloisterError } from '../../core/errors.ts'
import { parseFunctionName } from '../../core/ids.ts'
import { DONE, json } from '../answer.ts'
import type { DeadLetters } from '../event-ports.ts'
import type { Directory } from '../ports.ts'
import { type Route, jsonBody, route } from '../route.ts'
import { report } from '../schemas.ts'

interface Parts {
  readonly directory: Directory
  readonly deadLetters: DeadLetters
}

const functionFilter = z
  .string()
  .refine((text) => parseFunctionName(text) !== undefined, 'is no name of a function')
  .optional()
  .describe('Only those of this function.')

const pageQuery = z.strictObject({
  function: functionFilter,
  before: z.string().optional().describe('Continue after this one: `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('Letters of a page.'),
})
const editBody = jsonBody(
  z.strictObject({ input: z.json('must be JSON').describe('What the function is to be given.') }),
)

/** Events that were given up: looked at, mended, deleted, and made events again. */
export function deadLetterRoutes(parts: Parts): readonly Route[] {
  return [...looking(parts), ...changing(parts), ...replaying(parts)]
}

function looking({ directory, deadLetters }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/dead-letters',
      caller: 'tenant',
      summary: 'Events that were given up, newest first, without their inputs.',
      query: pageQuery,
      answer: { status: 200, description: 'The page.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path, query: { function: name, before, limit } }) {
        directory.getTenant(path.tenant)
        const filter = { limit, ...(before !== undefined && { before }), ...filterOf(name) }
        const page = await deadLetters.page(path.tenant, filter)
        const next = page.length < limit ? undefined : page.at(-1)?.id
        return json({ deadLetters: page.map(view), next })
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/dead-letters/{letter}',
      caller: 'tenant',
      summary: 'One of them, with its input and its error.',
      answer: { status: 200, description: 'The letter.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        const found = await deadLetters.find(path.tenant, path.letter)
        if (found === undefined) throw missing(path)
        return json({ ...view(found), input: JSON.parse(found.input) as unknown })
      },
    }),
  ]
}

function changing({ directory, deadLetters }: Parts): readonly Route[] {
  return [
    route({
      method: 'PATCH',
      path: '/v1/tenants/{tenant}/dead-letters/{letter}',
      caller: 'tenant',
      summary: 'Give a letter another input, before it is replayed.',
      body: editBody,
      answer: { status: 204, description: 'It is changed.' },
      refusals: ['NOT_FOUND'],
      async handle({ path, body }) {
        directory.getTenant(path.tenant)
        if (await deadLetters.edit(path.tenant, path.letter, JSON.stringify(body.input))) return DONE
        throw missing(path)
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/tenants/{tenant}/dead-letters/{letter}',
      caller: 'tenant',
      summary: 'Delete a letter.',
      answer: { status: 204, description: 'It is deleted.' },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        if ((await deadLetters.delete(path.tenant, [path.letter])) > 0) return DONE
        throw missing(path)
      },
    }),
  ]
}

function replaying({ directory, deadLetters }: Parts): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/dead-letters/replay',
      caller: 'tenant',
      summary: 'Make events of all letters again, or of all of a function.',
      query: z.strictObject({ function: functionFilter }),
      answer: { status: 200, description: 'How many; `refused` says why the others stay.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path, query }) {
        directory.getTenant(path.tenant)
        return json(await deadLetters.replayAll(path.tenant, filterOf(query.function)))
      },
    }),
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/dead-letters/{letter}/replay',
      caller: 'tenant',
      summary: 'Make an event of a letter again: to its function, or back into its queue.',
      answer: { status: 200, description: 'It waits for its function.', schema: report },
      refusals: ['NOT_FOUND', 'QUOTA_EXCEEDED'],
      async handle({ path }) {
        directory.getTenant(path.tenant)
        await deadLetters.replay(path.tenant, path.letter)
        return json({ replayed: 1 })
      },
    }),
  ]
}

function filterOf(name: string | undefined): { function?: NonNullable<ReturnType<typeof parseFunctionName>> } {
  const parsed = name === undefined ? undefined : parseFunctionName(name)
  return parsed === undefined ? {} : { function: parsed }
}

function missing({ tenant, letter }: { readonly tenant: string; readonly letter: string }): CloisterError {
  return new CloisterError('NOT_FOUND', `tenant "${tenant}" has no dead letter "${letter}"`)
}

function view({ createdAt, failedAt, expiresAt, run, function: name, ...letter }: DeadLetterHead): object {
  const { id, event, trigger, queue, orderingKey, attempts, error, inputBytes } = letter
  const times = { createdAt, failedAt, expiresAt }
  const texts = Object.fromEntries(Object.entries(times).map(([field, at]) => [field, new Date(at).toISOString()]))
  return {
    id,
    function: name,
    trigger,
    queue,
    orderingKey,
    event,
    attempts,
    lastRunId: run,
    error,
    inputBytes,
    ...texts,
  }
}
