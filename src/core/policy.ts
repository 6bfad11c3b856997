import type { Bytes, Mebibytes, Millis } from './quantity.ts'

/** How an isolate lives on between runs: for good, with fresh globals for every run, or not at all. */
export type Reuse = 'function' | 'context' | 'run'

/** Which walls a policy insists on. `os`: the operating-system wall must be up (level A or B). */
export type WallsNeeded = 'process' | 'os'

/** Bounds of one run and of what a tenant may have going at once. Each is enforced where the comment says. */
export interface Limits {
  /** Wall time of a run, awaits included. In the isolate, and by the host with SIGKILL 50 ms later. */
  readonly wall: Millis
  /** CPU time of a run by the kernel's figure. By the watchdog with SIGKILL. */
  readonly cpu: Millis
  /** Heap of an isolate, and growth of the cell's own memory during a run. */
  readonly memory: Mebibytes
  readonly input: Bytes
  readonly output: Bytes
  /** Body of an HTTP request that a run reads, and body of a response that it streams. By the broker, piece by piece. */
  readonly streamIn: Bytes
  readonly streamOut: Bytes
  /** All submitted source text of one run together. */
  readonly code: Bytes
  /** All log messages of one run together; what is over is dropped and marked. */
  readonly logs: Bytes
  readonly logLines: number
  /** Runs at once. */
  readonly concurrency: number
  /** Runs that may wait for their turn. */
  readonly queue: number
  /** Longest wait for a turn and for a cell. */
  readonly queueWait: Millis
  /** Capability calls of one run without an answer yet. */
  readonly pendingCalls: number
  /** Timers of one run that have not fired. */
  readonly timers: number
}

/**
 * How many runs a second are admitted, how many units of 100 ms they may use, and how many cells they may bring down before
 * they are held off: token buckets.
 */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
  readonly unitsPerSecond: number
  readonly unitsBurst: number
  readonly deathsPerSecond: number
  readonly deathsBurst: number
}

export interface Instance {
  /** `undefined`: `context` for submitted code, `function` for deployed functions. */
  readonly reuse: Reuse | undefined
  /** Cells of one tenant at once. */
  readonly maxCells: number
  /** Runs that one cell may have in progress at once; more than one only when the earlier ones are waiting. */
  readonly runsPerCell: number
  /** A cell without a run for so long is ended. */
  readonly idle: Millis
  /** An isolate is retired after so many runs. */
  readonly runsMax: number
}

/**
 * What the JavaScript engine offers to guests. `jit` and `sharedMemory` are flags of the cell's process; the rest is
 * arranged in every realm before any guest code runs in it.
 */
export interface Engine {
  /** Whether V8 compiles to machine code. Without it loops are about four times slower, and most of V8's weak spots are gone. */
  readonly jit: boolean
  /** Whether there is `WebAssembly`. Needs `jit`. */
  readonly wasm: boolean
  /** Whether text can be turned into code: `eval`, and the constructors of all kinds of functions. */
  readonly eval: boolean
  readonly temporal: boolean
  /** `frozen`: between two entries from the host every clock of the guest shows the same instant. */
  readonly clock: ClockKind
  /** Whether there is `SharedArrayBuffer`. */
  readonly sharedMemory: boolean
}

export type ClockKind = 'frozen' | 'live'

/** What every grant bounds. */
export interface Grant {
  /** Operations of one run. */
  readonly operations: number
  /** Operations of all runs of the tenant in one UTC day; absent or null: as many as there are. */
  readonly operationsPerDay?: number | null
}

export interface KvGrant extends Grant {
  readonly keyBytes: Bytes
  readonly valueBytes: Bytes
  /** Keys of one tenant. */
  readonly keys: number
  /** Keys and values of one tenant together. */
  readonly storedBytes: Bytes
}

export interface BlobsGrant extends Grant {
  readonly keyBytes: Bytes
  /** One blob. */
  readonly blobBytes: Bytes
  /** Blobs of one tenant. */
  readonly blobs: number
  /** Contents of all blobs of one tenant together. */
  readonly storedBytes: Bytes
}

export interface QueuesGrant extends Grant {
  /** Queues of one tenant. */
  readonly queues: number
  /** One message as JSON. */
  readonly messageBytes: Bytes
  /** Messages of one tenant, in all of its queues. */
  readonly messages: number
  /** All messages of one tenant together. */
  readonly storedBytes: Bytes
}

export interface DocsGrant extends Grant {
  /** One document as JSON. */
  readonly documentBytes: Bytes
  /** Documents of one tenant. */
  readonly documents: number
  /** Documents and their ids of one tenant together. */
  readonly storedBytes: Bytes
  /** Collections of one tenant. */
  readonly collections: number
  /** Indexes of one collection. */
  readonly indexes: number
}

export interface InvokeGrant extends Grant {
  /** The input of one call as JSON. */
  readonly inputBytes: Bytes
}

/** Where requests may go. */
export interface EgressRule {
  /** `api.example.com`, `*.example.com` (every name below it, not itself), an address, or `*` for any. In lower case. */
  readonly host: string
  readonly ports: readonly number[]
  /** In capitals; `*` for any. */
  readonly methods: readonly string[]
}

/** An operation is one request, or one further piece of a body. */
export interface FetchGrant extends Grant {
  /** Requests of one run. Each redirect that is followed is one more. */
  readonly requests: number
  /** Requests of the tenant that are under way at once. */
  readonly concurrency: number
  /** Body of a request. */
  readonly requestBytes: Bytes
  /** Body of a response, decompressed. */
  readonly responseBytes: Bytes
  /** Headers of a response. */
  readonly headerBytes: Bytes
  /** Redirects that one request is followed through. */
  readonly redirects: number
  /** Longest wait for the headers of a response, and for each further piece of its body. */
  readonly timeoutMs: Millis
  /** A request goes nowhere that no rule allows. */
  readonly allow: readonly EgressRule[]
  /** Ranges of addresses, as CIDR, that are reached although they are not public. */
  readonly privateRanges: readonly string[]
}

/** What a tenant may keep of deployed functions. */
export interface FunctionQuota {
  /** Functions of one tenant. */
  readonly count: number
  /** Versions of one function; the oldest that no alias needs make room for new ones. */
  readonly versions: number
  /** Source text of all versions of one tenant together. */
  readonly storedBytes: Bytes
}

/** What a tenant may keep of events. */
export interface EventQuota {
  /** Asynchronous runs that wait for their turn. */
  readonly queued: number
  /** Events that were given up. Past it the oldest go. */
  readonly deadLetters: number
  /** For so long they are kept. */
  readonly deadLetterDays: number
  /** Answers that are remembered by the keys of their callers. */
  readonly idempotencyKeys: number
  /** Inputs of what waits, of what was given up, and answers that are remembered: of each so much. */
  readonly storedBytes: Bytes
}

export interface SqlGrant extends Grant {
  /** Connections to each database, shared by all runs of the tenant. */
  readonly connections: number
  /** Calls that may wait for a connection to a database. */
  readonly waiting: number
  /** A statement's text, and its parameters together. */
  readonly statementBytes: number
  /** Rows of one result. */
  readonly rows: number
  /** One result as JSON. */
  readonly resultBytes: number
}

export interface SecretsGrant extends Grant {
  /** Secrets of one tenant. */
  readonly secrets: number
  /** One value. */
  readonly valueBytes: Bytes
  /** All values of one tenant together. */
  readonly storedBytes: Bytes
  /** Whether code may have the value itself, by `secrets.reveal`. */
  readonly reveal: boolean
}

export interface AuthGrant extends Grant {
  /** Users of the tenant's application. */
  readonly users: number
  /** Sessions of one user; the oldest ends when there is one more. */
  readonly sessions: number
  /** Longest life of a session. */
  readonly sessionSeconds: number
  /** Attempts at a password in a row that may be made at once; those after them wait longer and longer. */
  readonly attempts: number
  /** Passwords that are checked for the tenant at once, those that wait included. */
  readonly concurrency: number
}

export interface DurableGrant extends Grant {
  /** Executions that are not over. */
  readonly executions: number
  /** Steps of one execution, sleeps and waits included. */
  readonly entries: number
  /** One value of a step, or one event, as JSON. */
  readonly valueBytes: number
  /** All values of one execution. */
  readonly journalBytes: number
  /** Longest sleep, or wait for an event. */
  readonly waitSeconds: number
}

/** What guests may call. A capability that is absent does not exist in the guest. */
export interface Grants {
  readonly kv?: KvGrant
  readonly blobs?: BlobsGrant
  readonly queues?: QueuesGrant
  readonly docs?: DocsGrant
  readonly invoke?: InvokeGrant
  readonly durable?: DurableGrant
  readonly fetch?: FetchGrant
  readonly sql?: SqlGrant
  readonly secrets?: SecretsGrant
  readonly auth?: AuthGrant
}

/** What a tenant may use. Deeply frozen; only policy/ makes one, from JSON that it has checked. */
export interface Policy {
  readonly name: string
  readonly walls: WallsNeeded
  readonly limits: Limits
  readonly rate: Rate
  readonly instance: Instance
  readonly engine: Engine
  readonly functions: FunctionQuota
  readonly events: EventQuota
  readonly capabilities: Grants
}
