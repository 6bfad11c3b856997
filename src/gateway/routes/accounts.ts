import { z } from 'zod'
import { parseRunId } from '../../core/ids.ts'
import { USAGE_GROUPS } from '../../core/stores.ts'
import { acceptedType } from '../accepted-type.ts'
import { NDJSON_TYPE, csv, html, json } from '../answer.ts'
import { type History, requireHistory } from '../history.ts'
import type { Accounts } from '../ports.ts'
import { type Route, jsonBody, route } from '../route.ts'
import { report } from '../schemas.ts'

interface Parts extends History {
  readonly accounts: Accounts
}

const format = z.enum(['json', 'csv']).optional().describe('Instead of an Accept header.')
const billFormat = z
  .enum(['json', 'csv', 'focus', 'html'])
  .optional()
  .describe('Instead of an Accept header. focus: CSV with the columns of FOCUS 1.2; html: a page to print.')
const period = z.string().optional().describe('YYYY-MM in UTC; the current month if absent.')
const usageQuery = z.strictObject({
  from: z.string().optional().describe('ISO 8601, inclusive; the start of the month if absent.'),
  to: z.string().optional().describe('ISO 8601, exclusive; the end of the month if absent.'),
  groupBy: z
    .string()
    .optional()
    .describe(`Of ${USAGE_GROUPS.join(', ')}: one, or several with commas.`),
  format,
})
const explainQuery = z.strictObject({
  line: z.string().max(200).describe('As the bill names it: compute, requests, …'),
  period,
  before: z
    .string()
    .transform((text, context) => parseRunId(text) ?? refuse(context, 'is not the id of a run'))
    .optional()
    .describe('Continue after this run: `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(1_000).optional().describe('Runs that are looked at; 100 if absent.'),
})
const simulation = z.strictObject({
  book: z
    .union(
      [z.record(z.string(), z.unknown()), z.array(z.unknown()).max(100)],
      'must be a price book, or a list of them',
    )
    .describe('A price book, or a list of its versions by date.'),
})
const CSV = ['text/csv']

/** What a tenant consumed, and what it owes for it. */
export function accountRoutes(parts: Parts): readonly Route[] {
  return [...reports(parts), ...evidence(parts)]
}

function reports({ accounts, ...history }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/usage',
      caller: 'tenant',
      summary: 'Usage in units and quantities, in groups.',
      query: usageQuery,
      answer: { status: 200, description: 'The rows and their total.', schema: report, otherTypes: CSV },
      refusals: ['NOT_FOUND', 'INVALID_PERIOD'],
      async handle({ path, query: { from, to, groupBy, format: asked }, accept }) {
        await requireHistory(path.tenant, history)
        const groups = accounts.parseGroups(groupBy)
        const usage = await accounts.usage(path.tenant, accounts.parseRange({ from, to }), groups)
        return acceptedType(accept, asked) === 'csv' ? csv(accounts.usageCsv(usage)) : json(usage)
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/bill',
      caller: 'tenant',
      summary: 'The bill of a month, line by line.',
      query: z.strictObject({ period, format: billFormat }),
      answer: { status: 200, description: 'The bill.', schema: report, otherTypes: [...CSV, 'text/html'] },
      refusals: ['NOT_FOUND', 'INVALID_PERIOD'],
      async handle({ path, query, accept }) {
        await requireHistory(path.tenant, history)
        if (query.format === 'html') return html(await accounts.billPage(path.tenant, query.period))
        const bill = await accounts.bill(path.tenant, query.period)
        if (query.format === 'focus') return csv(accounts.billFocus(bill))
        return acceptedType(accept, query.format) === 'csv' ? csv(accounts.billCsv(bill)) : json(bill)
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/budget',
      caller: 'tenant',
      summary: 'What is spent, set aside and left, today and this month.',
      answer: { status: 200, description: 'The state of the budget.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        await requireHistory(path.tenant, history)
        return json(await accounts.budget(path.tenant))
      },
    }),
  ]
}

function evidence({ accounts, ...history }: Parts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/bill/explain',
      caller: 'tenant',
      summary: 'Where a line of the bill comes from: its formula, its days and its runs, newest first.',
      query: explainQuery,
      answer: { status: 200, description: 'The explanation.', schema: report },
      refusals: ['NOT_FOUND', 'INVALID_PERIOD'],
      async handle({ path, query }) {
        await requireHistory(path.tenant, history)
        return json(await accounts.explain(path.tenant, query))
      },
    }),
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/bill/simulate',
      caller: 'admin',
      summary: 'The bill of a month beside what another price book makes of it. Changes nothing.',
      query: z.strictObject({ period }),
      body: jsonBody(simulation),
      answer: { status: 200, description: 'Both bills.', schema: report },
      refusals: ['NOT_FOUND', 'INVALID_PERIOD'],
      async handle({ path, query, body }) {
        await requireHistory(path.tenant, history)
        return json(await accounts.simulate(path.tenant, body.book, query.period))
      },
    }),
    route({
      method: 'GET',
      path: '/v1/tenants/{tenant}/bill/records',
      caller: 'tenant',
      summary: 'The ledger records behind a month, or all there are, in the order of the chain.',
      query: z.strictObject({ period: z.string().optional().describe('YYYY-MM in UTC; all records if absent.') }),
      answer: { status: 200, description: 'A record a line.', otherTypes: ['application/x-ndjson'] },
      refusals: ['NOT_FOUND', 'INVALID_PERIOD'],
      async handle({ path, query }) {
        await requireHistory(path.tenant, history)
        return { status: 200, type: NDJSON_TYPE, body: accounts.records(path.tenant, query.period) }
      },
    }),
    route({
      method: 'POST',
      path: '/v1/tenants/{tenant}/bill/verify',
      caller: 'tenant',
      summary: "Check the tenant's chain of records, from the first, and the roll-ups of them.",
      answer: { status: 200, description: 'The last hash, or the first record that is wrong.', schema: report },
      refusals: ['NOT_FOUND'],
      async handle({ path }) {
        await requireHistory(path.tenant, history)
        return json(await accounts.verify(path.tenant))
      },
    }),
  ]
}

function refuse(context: z.core.ParsePayload, message: string): never {
  context.issues.push({ code: 'custom', message, input: context.value })
  return z.NEVER
}
