import { z } from 'zod'
import { FUNCTION_NAME_PATTERN, TENANT_ID_PATTERN } from '../core/ids.ts'
import { ERRORS, type ErrorCode } from '../core/errors.ts'
import { RUN_STATUSES } from '../core/outcome.ts'
import { TRIGGERS } from '../core/run.ts'

/** What the API takes and gives. Requests are checked by these; answers are only described by them, and tested. */

const time = z.iso.datetime().describe('ISO 8601 in UTC')
const tenantName = z.string().regex(new RegExp(TENANT_ID_PATTERN))
const runId = z.string().regex(/^run_[0-9a-v]{26}$/)
const functionName = z.string().regex(new RegExp(FUNCTION_NAME_PATTERN))
const version = z.number().int().min(1)
/** Of what a run was, unless it was of submitted code. */
const ofFunction = { function: functionName.optional(), version: version.optional() }
const keyId = z.string().regex(/^[0-9a-f]{16}$/)
const policyChoice = z
  .union([z.string(), z.record(z.string(), z.unknown())], 'must be the name of a policy or an object')
  .describe('The name of a policy, or an object laid over one.')

const allowanceChange = z.strictObject({
  units: z.number().int().min(0).nullable().optional().describe('Units of 100 ms.'),
  usd: z
    .union([z.string(), z.number()], 'must be an amount in dollars, as "12.50"')
    .nullable()
    .optional()
    .describe('Dollars as decimal text, read exactly.'),
})

export const tenantChange = z.strictObject({
  policy: policyChoice.optional(),
  budget: z
    .strictObject({ day: allowanceChange.nullable().optional(), month: allowanceChange.nullable().optional() })
    .nullable()
    .optional()
    .describe('A hard stop. What is absent stays as it is, null clears.'),
})

const allowance = z.strictObject({ units: z.number().optional(), usd: z.string().optional() })

const cells = z.strictObject({
  deaths: z
    .strictObject({
      total: z.number(),
      lastReason: z.string().optional().describe('`deadline`, `cpu`, `memory`, `out-of-memory`, `crash`, …'),
      lastAt: time.optional(),
    })
    .describe('Cells that the tenant’s code has brought down since the host started.'),
  backedOffUntil: time.optional().describe('New runs are refused with 429 until then; absent if they are admitted.'),
})

export const tenant = z.strictObject({
  tenant: tenantName,
  policy: policyChoice,
  budget: z.strictObject({ day: allowance.optional(), month: allowance.optional() }),
  cells,
  createdAt: time,
  updatedAt: time,
})

export const tenantList = z.strictObject({ tenants: z.array(tenant) })
export const newKey = z.strictObject({ id: keyId, key: z.string().describe('The whole key. It is shown this once.') })
export const keyList = z.strictObject({ keys: z.array(z.strictObject({ id: keyId, createdAt: time })) })

export const usage = z.strictObject({
  wallMs: z.number(),
  cpuMs: z.number(),
  units: z.number().describe('Of 100 ms; what is charged.'),
  billedMs: z.number(),
  memoryMb: z.number().describe('As configured.'),
  peakMemoryMb: z.number().optional().describe('As seen by the watchdog; absent if the run was too short to be seen.'),
  coldStart: z.boolean(),
  billed: z.literal(true),
  operations: z
    .record(z.string(), z.number())
    .optional()
    .describe('Capability calls by name; absent if there were none.'),
  egressBytes: z.number().optional().describe('Sent to networks for the run; absent if nothing was.'),
  ingressBytes: z.number().optional().describe('Received from networks for the run; absent if nothing was.'),
  costUsd: z.string().optional().describe('Dollars as decimal text.'),
})

const guestError = z.strictObject({ name: z.string(), message: z.string(), stack: z.string() })
const logs = z.array(z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']), message: z.string() }))
const status = z.enum(RUN_STATUSES as [string, ...string[]])

export const runAnswer = z.strictObject({
  runId,
  ...ofFunction,
  status,
  result: z.unknown().optional().describe('What the code returned; there if `status` is `ok`.'),
  error: guestError.optional(),
  logs,
  usage,
})

const runRecord = z.strictObject({
  runId,
  kind: z.literal('init').optional().describe('A module was evaluated ahead of runs; absent for runs.'),
  tenant: tenantName,
  trigger: z.enum(TRIGGERS),
  ...ofFunction,
  parentRun: runId.optional().describe('The run that called for this one.'),
  status,
  startedAt: time,
  policy: z.string(),
  walls: z.enum(['A', 'B', 'C']),
  usage,
})

export const run = runRecord.extend({
  error: guestError.optional(),
  logs,
  killReason: z
    .string()
    .optional()
    .describe(
      'Why the cell was killed or died: `deadline`, `memory`, `cpu`, … Absent if the cell ended the run itself.',
    ),
  overdueMs: z.number().optional().describe('How far past its wall limit it was ended. Nobody is charged for it.'),
})
/** Oldest first. */
export const runLogs = z.strictObject({ runs: z.array(run) })
export const runPage = z.strictObject({
  runs: z.array(runRecord).describe('Newest first.'),
  next: runId.optional().describe('`before` for the page after this one; absent on the last.'),
})

export const health = z.strictObject({ status: z.literal('ok') })
export const readiness = z.strictObject({
  status: z.enum(['starting', 'ready', 'draining']),
  walls: z.enum(['A', 'B', 'C']),
  blankCells: z.number(),
})

export const refusal = z.strictObject({
  error: z.strictObject({
    code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
    message: z.string(),
    retryAfterMs: z.number().optional(),
  }),
})

/** Billing makes and documents these objects; here they are passed on. */
export const report = z.record(z.string(), z.unknown())
