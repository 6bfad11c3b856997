import { FUNCTION_DOOR } from './config/function-door.ts'
import { type Knob, type Machine, PATH, choice, flag, text, variableOf, whole } from './config/knob.ts'
import { S3_KNOBS, s3Faults } from './config/s3-knobs.ts'
import { SQL_KNOBS } from './config/sql-knobs.ts'
import { CloisterError } from './core/errors.ts'
import { type Bytes, type Mebibytes, type Millis, type Quantity, bytes, mebibytes, millis } from './core/quantity.ts'

export type { Machine } from './config/knob.ts'

/** A length of time in days of 24 hours. */
export type Days = Quantity<'day'>

const KNOBS = {
  host: text({
    fallback: '127.0.0.1',
    pattern: /^[\w.:-]{1,253}$/,
    accepts: 'an address or a host name',
    reason: 'Where the API listens. Only this machine by default: opening it to a network is a decision.',
  }),
  port: whole({
    fallback: 8787,
    min: 0,
    max: 65_535,
    reason: 'The port of the API; 0 picks a free one and prints it.',
  }),
  publicUrl: text({
    fallback: undefined,
    pattern: /^https?:\/\/[\w.:[\]-]{1,253}(\/[\w.~/-]{0,200})?$/,
    accepts: 'an http or https URL without query',
    reason: 'Where clients reach this host, behind whatever is in front of it. Signed URLs of blobs begin with it.',
  }),
  dataDirectory: text({
    ...PATH,
    fallback: '.cloister',
    reason: 'Holds the database and the admin key. Relative to where the host is started.',
  }),
  adminKey: text({
    fallback: undefined,
    pattern: /^[!-~]{16,256}$/,
    accepts: '16 to 256 characters, all visible ASCII',
    secret: 'yes',
    reason: 'Opens every call. Without it one is made on first start; short keys can be guessed.',
  }),
  vaultKey: text({
    fallback: undefined,
    pattern: /^[!-~]{32,256}$/,
    accepts: '32 to 256 characters, all visible ASCII',
    secret: 'yes',
    reason:
      'Encrypts what is stored and never shown again. Without it one is made on first start, in the data directory beside the database.',
  }),
  policiesDirectory: text({
    ...PATH,
    fallback: undefined,
    reason: 'The operator’s own policies, beside the shipped ones.',
  }),
  priceBook: text({
    ...PATH,
    fallback: undefined,
    reason: 'What usage costs. Without it the shipped price book is used.',
  }),
  synchronous: choice(['full', 'normal', 'off'], {
    fallback: 'full',
    reason:
      'When a commit of the ledger counts: full survives power loss, normal survives a killed host, off survives neither for sure.',
  }),
  blankCells: whole({
    fallback: 4,
    min: 0,
    max: 256,
    reason:
      'Started cells without a tenant: each hides one cold start and holds about 12 MB. At most cellsMax. As many at most are kept for other engines and heaps, while they are asked for.',
  }),
  isolatesPerBlankCell: whole({
    fallback: 1,
    min: 1,
    max: 8,
    reason: 'Isolates ready in each blank cell. The first run needs one; each costs about 2 MB.',
  }),
  cellsMax: whole({
    fallback: 512,
    min: 1,
    max: 4096,
    reason: 'Cells of all tenants. Each is a process of 7 to 12 MB and some descriptors; a thousand were measured.',
  }),
  ...FUNCTION_DOOR,
  runsMax: whole({
    fallback: 1024,
    min: 1,
    max: 100_000,
    reason: 'Runs in progress in the whole host. Past it runs wait for a turn, so that those in progress end in time.',
  }),
  cellMemoryCapMb: whole<Mebibytes>({
    fallback: ({ totalMemory }) => mebibytes(Math.max(64, Math.floor((totalMemory / 2 ** 20) * 0.75))),
    spoken: '75 % of the memory',
    unit: 'MiB',
    min: 64,
    max: 16 * 2 ** 20,
    reason: 'Memory of all cells together. Idle cells are ended before it; the rest is for the host and page cache.',
  }),
  ...SQL_KNOBS,
  ...S3_KNOBS,
  killGraceMs: whole<Millis>({
    fallback: millis(50),
    unit: 'ms',
    min: 1,
    max: 10_000,
    reason: 'From a run’s deadline to the kill of its cell. The isolate’s own clean ending takes a few milliseconds.',
  }),
  watchdogMs: whole<Millis>({
    fallback: millis(5),
    unit: 'ms',
    min: 1,
    max: 1000,
    reason: 'Between two looks at memory and CPU of busy cells. A guest can take about 2 MB a millisecond meanwhile.',
  }),
  cellStartTimeoutMs: whole<Millis>({
    fallback: millis(10_000),
    unit: 'ms',
    min: 100,
    max: 120_000,
    reason:
      'A cell that is not ready by then has failed. It takes about 25 ms; far more on a machine that is overloaded.',
  }),
  drainMs: whole<Millis>({
    fallback: millis(10_000),
    unit: 'ms',
    min: 0,
    max: 900_000,
    reason:
      'How long SIGTERM waits for runs. The default policy’s longest run; most supervisors kill after 10 to 30 s.',
  }),
  bodyBytesMax: whole<Bytes>({
    fallback: bytes(16 << 20),
    unit: 'B',
    min: 1 << 10,
    max: 32 << 20,
    reason: 'Longest request body. Bounds what one request makes the host hold; policies bound code and input further.',
  }),
  egressSocketsMax: whole({
    fallback: 1024,
    min: 1,
    max: 65_536,
    reason: 'Outbound connections of all tenants’ fetch. Each is a descriptor; past it requests fail as UNAVAILABLE.',
  }),
  dnsServers: text({
    fallback: undefined,
    pattern: /^[0-9a-fA-F.:[\]]{2,50}(,[0-9a-fA-F.:[\]]{2,50}){0,7}$/,
    accepts: 'addresses of name servers, with commas between',
    reason: 'Where tenants’ fetch looks names up. Without it, the name servers that the machine uses.',
  }),
  logLevel: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    fallback: 'info',
    reason: 'What the host writes about itself. Nothing that a tenant wrote is in it at any level.',
  }),
  connectionsPerAddress: whole({
    fallback: 1_000,
    min: 0,
    max: 1_000_000,
    reason:
      'Connections that one address (of IPv6: one /64) may have open at once; more are closed unread. 0 is no bound: for a proxy, behind which all clients have its address.',
  }),
  cgroups: choice(['auto', 'off'], {
    fallback: 'auto',
    reason:
      'auto: where the host is alone in a version 2 cgroup with the controllers memory, pids and cpu, each cell gets a group with limits of its own; doctor says whether.',
  }),
  walls: choice(['best', 'A', 'B', 'C'], {
    fallback: 'best',
    reason:
      'The operating-system wall around cells. best: the strongest level that holds when it is tried; a named level: that one, or the host does not start.',
  }),
  allowWeakWalls: flag({
    fallback: false,
    reason: 'Runs policies that ask for walls which this machine does not have up. For development.',
  }),
  ledger: choice(['on', 'off'], {
    fallback: 'on',
    reason: 'off charges nothing and exists only to measure what the ledger costs.',
  }),
  logRetentionDays: whole<Days>({
    fallback: 7 as Days,
    unit: 'days',
    min: 1,
    max: 3650,
    reason: 'How long logs and errors of runs are kept. They are the bulk of what is stored, and a tenant’s own text.',
  }),
}

type Knobs = typeof KNOBS
export type KnobName = keyof Knobs

/** All knobs of the host, set. Frozen. */
export type Config = { readonly [Name in KnobName]: Knobs[Name] extends Knob<infer Value> ? Value : never }

/** Values that win over the environment: text as on a command line, or the value itself. `undefined` leaves a knob alone. */
export type ConfigOverrides = {
  readonly [Name in KnobName]?: (Config[Name] extends number ? number : Config[Name]) | string | undefined
}

/** One knob, for `--help` and the documents. */
export interface KnobDescription {
  readonly name: KnobName
  /** The environment variable. */
  readonly variable: string
  readonly unit: string | undefined
  readonly fallback: string
  readonly accepts: string
  readonly reason: string
}

/** The table of knobs, in its order. */
export function describeKnobs(): readonly KnobDescription[] {
  return knobs().map(([name, { unit, fallback, spoken, accepts, reason }]) => {
    const shown = spoken ?? (fallback === undefined ? 'none' : String(fallback))
    return { name, variable: variableOf(name), unit, fallback: shown, accepts, reason }
  })
}

/**
 * Sets every knob: from `overrides`, else from the environment (`CLOISTER_KILL_GRACE_MS`; an empty variable counts as
 * absent), else by default. Throws INVALID_REQUEST that names every knob that is malformed, out of bounds or unknown.
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  overrides: ConfigOverrides,
  machine: Machine,
): Config {
  const faults = Object.keys(overrides)
    .filter((name) => !Object.hasOwn(KNOBS, name))
    .map((name) => `${name} is unknown here, where there are ${Object.keys(KNOBS).join(', ')}`)
  const values = new Map<string, unknown>()
  for (const [name, knob] of knobs()) {
    const { given, source } = givenFor(name, env, overrides)
    const value = given === undefined ? defaultOf(knob, machine) : knob.read(given)
    if (given !== undefined && value === undefined) faults.push(faultOf(source, knob, given))
    values.set(name, value)
  }
  const config = Object.fromEntries(values) as Config
  const blankCells = Math.min(config.blankCells, config.cellsMax)
  const { given, source } = givenFor('blankCells', env, overrides)
  // A default gives way to a smaller cellsMax; a value that somebody chose does not.
  if (given !== undefined && blankCells < config.blankCells) {
    faults.push(`${source} must be at most cellsMax, which is ${config.cellsMax}, not ${config.blankCells}`)
  }
  // A malformed one has its own fault.
  if (faults.length === 0) faults.push(...s3Faults(config))
  if (faults.length > 0) throw new CloisterError('INVALID_REQUEST', faults.join('; '))
  return Object.freeze({ ...config, blankCells })
}

interface Given {
  readonly given: unknown
  /** What the person who set it calls it. */
  readonly source: string
}

function givenFor(
  name: KnobName,
  env: Readonly<Record<string, string | undefined>>,
  overrides: ConfigOverrides,
): Given {
  const override = Object.hasOwn(overrides, name) ? overrides[name] : undefined
  if (override !== undefined) return { given: override, source: name }
  const variable = variableOf(name)
  return { given: env[variable] === '' ? undefined : env[variable], source: `${variable} (${name})` }
}

function defaultOf(knob: Knob<unknown>, machine: Machine): unknown {
  return typeof knob.fallback === 'function' ? (knob.fallback as (machine: Machine) => unknown)(machine) : knob.fallback
}

function faultOf(source: string, { accepts, secret }: Knob<unknown>, given: unknown): string {
  if (secret === 'yes') return `${source} must be ${accepts}`
  const shown = typeof given === 'object' ? 'an object' : JSON.stringify(String(given).slice(0, 80))
  return `${source} must be ${accepts}, not ${shown}`
}

function knobs(): readonly [KnobName, Knob<unknown>][] {
  return Object.entries(KNOBS) as [KnobName, Knob<unknown>][]
}
