import { whole } from '../fields.ts'

/** A field that every grant may have. Absent or null: a day has no bound of its own. */
export const operationsPerDay = whole({
  min: 1,
  max: 1_000_000_000_000,
  about: 'Operations of all runs of the tenant in one UTC day; null for no such bound.',
  bounds: 'null removes the capability altogether; more than a host can carry out in a day is no limit.',
})
  .nullable()
  .optional()
