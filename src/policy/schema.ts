import { z } from 'zod'
import { expected, fractional, orReasoned, section, whole, yesOrNo } from './fields.ts'
import { GRANTS, type GrantName } from './grants.ts'

/**
 * The one description of a policy in JSON. The check, the types and the JSON Schema for editors all come from it. Every
 * field's name ends in its unit, every number has bounds, and each says beside it why the bounds are what they are.
 */

/** What a policy's name must look like: 1 to 63 of `a-z 0-9 -`, a letter first. */
export const POLICY_NAME = /^[a-z][a-z0-9-]{0,62}$/

const KIB = 1024
const MIB = 1024 * KIB
const TIB = 1024 * 1024 * MIB
const MINUTES_MS = 60_000

const limits = section({
  wallMs: whole({
    min: 1,
    max: 15 * MINUTES_MS,
    about: 'Wall time of a run in milliseconds, awaits included.',
    bounds: 'a longer task belongs in durable steps, and a shutdown must be able to wait for every run.',
  }),
  cpuMs: whole({
    min: 1,
    max: 8 * 15 * MINUTES_MS,
    about: 'CPU time of a run in milliseconds, by the kernel.',
    bounds: 'the longest wall time on the eight threads that a cell has at most.',
  }),
  memoryMb: whole({
    min: 16,
    max: 2048,
    about: 'Memory of a run in units of 2^20 bytes; also what it is billed by.',
    bounds: 'below, the guest runtime itself does not fit; above, one tenant could fill a small machine.',
  }),
  inputBytes: whole({
    min: 2,
    max: 16 * MIB,
    about: 'Size of the input as JSON in bytes.',
    bounds: 'the shortest JSON that says something; the most that one message to a cell should carry.',
  }),
  outputBytes: whole({
    min: 2,
    max: 8 * MIB,
    about: 'Size of the result as JSON in bytes.',
    bounds: 'a result is held whole in cell and host; a third of the longest message that a cell may send.',
  }),
  streamInBytes: whole({
    min: 0,
    max: TIB,
    about: 'Body of an HTTP request that a run answers, in bytes.',
    bounds: '0 takes no bodies; a body is passed on piece by piece, so only its time and its traffic cost.',
  }),
  streamOutBytes: whole({
    min: 0,
    max: TIB,
    about: 'Body of a response that a run streams, in bytes. What is answered whole is bounded by outputBytes.',
    bounds: '0 streams nothing; a body is passed on piece by piece, so only its time and its traffic cost.',
  }),
  codeBytes: whole({
    min: 1,
    max: 16 * MIB,
    about: 'Size of all submitted source text of one run in bytes.',
    bounds: 'a bundle of many packages fits; compiling more takes seconds.',
  }),
  logBytes: whole({
    min: 0,
    max: MIB,
    about: 'Size of all log messages of one run in bytes; what is over is dropped and marked.',
    bounds: '0 keeps no logs; logs are stored with each run, so they grow with the number of runs.',
  }),
  logLines: whole({
    min: 0,
    max: 10_000,
    about: 'Log messages of one run; what is over is dropped and marked.',
    bounds: '0 keeps no logs; each line is a message between cell and host.',
  }),
  concurrency: whole({
    min: 1,
    max: 10_000,
    about: 'Runs of the tenant at once.',
    bounds: 'none would be a tenant that is switched off; more than one host can have in progress.',
  }),
  queue: whole({
    min: 0,
    max: 100_000,
    about: 'Runs of the tenant that may wait for their turn.',
    bounds: '0 refuses at once; each that waits keeps its input in memory.',
  }),
  queueWaitMs: whole({
    min: 0,
    max: MINUTES_MS,
    about: 'Longest wait for a turn and a cell in milliseconds.',
    bounds: '0 never waits; after a minute the caller has given up.',
  }),
  pendingCalls: whole({
    min: 1,
    max: 4096,
    about: 'Capability calls of one run without an answer yet.',
    bounds: 'a run needs one to call at all; each keeps its arguments in the host.',
  }),
  timers: whole({
    min: 0,
    max: 10_000,
    about: 'Timers of one run that have not fired.',
    bounds: '0 has no timers; each is looked after by the cell.',
  }),
})

const rate = section({
  perSecond: fractional({
    min: 0.01,
    max: 1_000_000,
    about: 'Runs admitted each second, in the long run.',
    bounds: 'one in 100 seconds is the slowest rate worth waiting for; more than a host can take is no limit.',
  }),
  burst: whole({
    min: 1,
    max: 1_000_000,
    about: 'Runs admitted at once after a pause.',
    bounds: 'with less than one nothing is ever admitted; more than a host can take is no limit.',
  }),
  unitsPerSecond: fractional({
    min: 0.01,
    max: 10_000_000,
    about: 'Units of 100 ms that runs may use each second, in the long run.',
    bounds: 'one in 100 seconds is the slowest rate worth waiting for; more than a host can run is no limit.',
  }),
  unitsBurst: whole({
    min: 1,
    max: 100_000_000,
    about: 'Units of 100 ms that runs may use at once after a pause.',
    bounds: 'every run uses one; more than a host can run is no limit.',
  }),
  deathsPerSecond: fractional({
    min: 0.001,
    max: 1_000,
    about: 'Cells that the tenant’s code may bring down each second, in the long run, before its runs are held off.',
    bounds: 'one in 1000 seconds forgets a bad day by the next; more than a host can start is no limit.',
  }),
  deathsBurst: whole({
    min: 1,
    max: 100_000,
    about: 'Cells that the tenant’s code may bring down at once after a quiet time.',
    bounds: 'one accident must be allowed; more than a host can start in an hour is no limit.',
  }),
})

const instance = section({
  reuse: z
    .enum(['function', 'context', 'run'], expected('"function", "context", "run" or null'))
    .nullable()
    .meta({ description: 'How an isolate lives on between runs. null leaves it to the kind of call.' })
    .optional(),
  maxCells: whole({
    min: 1,
    max: 256,
    about: 'Cells (processes) of the tenant at once.',
    bounds: 'a run needs one; a quarter of the most that one machine should hold.',
  }),
  runsPerCell: whole({
    min: 1,
    max: 1024,
    about: 'Runs in progress in one cell at once; more than one only while the earlier ones wait.',
    bounds: 'a crash takes all runs of its cell along.',
  }),
  idleMs: whole({
    min: 0,
    max: 24 * 60 * MINUTES_MS,
    about: 'A cell without a run for so many milliseconds is ended.',
    bounds: '0 ends it at once; a tenant that nobody calls for a day should cost nothing.',
  }),
  runsMax: whole({
    min: 1,
    max: 1_000_000,
    about: 'Runs after which an isolate is retired.',
    bounds: '1 makes every run the last; past a million a slow leak is not bounded by it.',
  }),
})

const engine = section({
  jit: yesOrNo('Whether V8 compiles to machine code. Without it loops are slower, and WebAssembly does not exist.'),
  wasm: yesOrNo('Whether there is WebAssembly. Needs jit.'),
  eval: yesOrNo('Whether text can be turned into code, by eval and by the constructors of functions.'),
  temporal: yesOrNo('Whether there is Temporal.'),
  clock: orReasoned(
    z.enum(['frozen', 'live'], expected('"frozen" or "live"')),
    'Whether the guest’s clocks stand still between two entries from the host, so that code cannot time itself.',
  ).transform((given) => (typeof given === 'string' ? given : given.value)),
  sharedMemory: yesOrNo('Whether there is SharedArrayBuffer.'),
})

const functions = section({
  count: whole({
    min: 0,
    max: 1_000,
    about: 'Deployed functions that the tenant may keep.',
    bounds: '0 allows submitted code only; more than one list should show.',
  }),
  versions: whole({
    min: 2,
    max: 1_000,
    about: 'Versions of a function that are kept; the oldest that no alias needs make room for new ones.',
    bounds: 'with one there is nothing to roll back to; more than one list should show.',
  }),
  storedBytes: whole({
    min: KIB,
    max: TIB,
    about: 'Source text of all versions of all functions together in bytes.',
    bounds: 'less holds no function; more than one embedded database should hold.',
  }),
})

const events = section({
  queued: whole({
    min: 0,
    max: 10_000_000,
    about: 'Asynchronous runs of the tenant that may wait.',
    bounds: '0 takes none; more than one embedded database should hold.',
  }),
  deadLetters: whole({
    min: 1,
    max: 1_000_000,
    about: 'Events that were given up and are kept; past it the oldest go.',
    bounds: 'the last one tells most; more than anybody looks through.',
  }),
  deadLetterDays: whole({
    min: 1,
    max: 365,
    about: 'Days that they are kept.',
    bounds: 'a night must pass; what nobody missed for a year is not missed.',
  }),
  idempotencyKeys: whole({
    min: 0,
    max: 1_000_000,
    about: 'Answers of calls with an Idempotency-Key that are remembered for a day.',
    bounds: '0 takes no such calls; each keeps an answer.',
  }),
  storedBytes: whole({
    min: KIB,
    max: TIB,
    about: 'Bytes of events that wait, of those that were given up, and of remembered answers: of each so many.',
    bounds: 'less holds no event; more than one embedded database should hold.',
  }),
})

const name = z.string(expected('text')).regex(POLICY_NAME, 'must be 1 to 63 of a-z, 0-9 and -, a letter first')
const walls = z
  .enum(['process', 'os'], expected('"process" or "os"'))
  .meta({ description: 'The weakest walls that runs accept: a process of their own, or the operating system’s too.' })
const prose = z.string(expected('text')).max(1000, 'must be at most 1000 characters')

type OverlayGrants = {
  [Name in GrantName]: z.ZodOptional<z.ZodNullable<ReturnType<(typeof GRANTS)[Name]['partial']>>>
}
type CompleteGrants = { [Name in GrantName]: z.ZodOptional<(typeof GRANTS)[Name]> }

// The names are those of the table; Object.fromEntries forgets them.
const overlayGrants = (): OverlayGrants =>
  Object.fromEntries(
    Object.entries(GRANTS).map(([capability, grant]) => [capability, grant.partial().nullable().optional()]),
  ) as unknown as OverlayGrants
const completeGrants = (): CompleteGrants =>
  Object.fromEntries(
    Object.entries(GRANTS).map(([capability, grant]) => [capability, grant.optional()]),
  ) as unknown as CompleteGrants

/** A policy as it is written: everything is optional, what is missing is inherited, null removes what is inherited. */
export const overlaySchema = section({
  $schema: prose.optional(),
  name: name.optional(),
  description: prose.optional(),
  extends: name.meta({ description: 'The policy that gives what is missing here; "default" if absent.' }).optional(),
  walls: walls.optional(),
  limits: limits.partial().optional(),
  rate: rate.partial().optional(),
  instance: instance.partial().optional(),
  engine: engine.partial().optional(),
  functions: functions.partial().optional(),
  events: events.partial().optional(),
  capabilities: section(overlayGrants()).optional(),
})

/** A policy with all that it inherits. */
export const completeSchema = section({
  name,
  walls,
  limits,
  rate,
  instance,
  engine,
  functions,
  events,
  capabilities: section(completeGrants()),
})

export type PolicyOverlay = z.output<typeof overlaySchema>
export type CompletePolicy = z.output<typeof completeSchema>
