import { grant, whole } from '../fields.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** What a policy says of executions of durable functions. */
export const durable = grant({
  operations: whole({
    min: 1,
    max: 1_000_000,
    about: 'Calls for steps of one run: two for each step that is done in it, one for each that was done before.',
    bounds: 'null removes durable functions altogether; each call is work for the host.',
  }),
  executions: whole({
    min: 1,
    max: 1_000_000,
    about: 'Executions that are not over, of all functions of the tenant together.',
    bounds: 'none would be no capability; each is a row of the store.',
  }),
  entries: whole({
    min: 1,
    max: 10_000,
    about: 'Steps, sleeps and waits of one execution.',
    bounds: 'a run goes through all of them before it gets further.',
  }),
  valueBytes: whole({
    min: 2,
    max: MIB,
    about: 'Length of the value of a step, or of an event, as JSON in bytes.',
    bounds: 'one call carries at most 2 MiB, the escapes of its text included.',
  }),
  journalBytes: whole({
    min: KIB,
    max: 64 * MIB,
    about: 'Length of all values of one execution, together, in bytes.',
    bounds: 'less holds nothing; the host has it in memory during a run.',
  }),
  waitSeconds: whole({
    min: 1,
    max: 31_622_400,
    about: 'Longest sleep, and longest wait for an event, in seconds.',
    bounds: 'a year.',
  }),
})
