import type { ErrorCode } from '../../core/errors.ts'
import type { AliasOutcome, Deployed, RolledBack } from '../../core/function-store.ts'
import type { Invoice } from '../../core/invoices.ts'
import type { SecretQuota, SecretRecord } from '../../core/secrets.ts'
import type { KvWrite } from '../../core/stores.ts'
import type { AuthCommands } from './auth-commands.ts'
import type { BlobCommands } from './blob-commands.ts'
import type { DocCommands } from './doc-commands.ts'
import type { ExecutionCommands } from './execution-commands.ts'
import type { DeadLetterCommands } from './dead-letter-commands.ts'
import type { EventSourceCommands } from './event-source-commands.ts'
import type { InvocationCommands } from './invocation-commands.ts'
import type { QueueCommands } from './queue-commands.ts'
import type { WebhookCommands } from './webhook-commands.ts'

/**
 * What the host's thread may ask of the writer, and what each answers. Posts are not here: they are the hot path and
 * travel as {@link postLine}.
 */
export interface Commands
  extends
    QueueCommands,
    BlobCommands,
    DocCommands,
    AuthCommands,
    InvocationCommands,
    EventSourceCommands,
    DeadLetterCommands,
    WebhookCommands,
    ExecutionCommands {
  'tenant.put': { input: TenantPut; output: void }
  'tenant.delete': { input: { id: string }; output: boolean }
  'key.put': { input: { id: string; tenant: string; hash: string; createdAt: number }; output: void }
  'key.delete': { input: { tenant: string; id: string }; output: boolean }
  'kv.put': { input: KvPut; output: KvWrite }
  /** All or nothing. The bounds are those of the whole. */
  'kv.putMany': { input: { puts: readonly KvPut[] }; output: KvWrite }
  'kv.deleteMany': { input: { tenant: string; keys: readonly string[]; now: number }; output: number }
  'kv.delete': { input: { tenant: string; key: string; now: number }; output: boolean }
  'kv.increment': { input: KvIncrement; output: { outcome: KvWrite; value?: number } }
  'kv.compare': { input: KvPut & { expected: string | null }; output: KvWrite }
  /** Removes some of what deleted tenants left; true if there is more. */
  'kv.purge': { input: Record<string, never>; output: boolean }
  'function.deploy': { input: FunctionDeploy; output: Deployed }
  'function.delete': { input: { tenant: string; name: string }; output: boolean }
  'alias.set': { input: AliasSet; output: AliasOutcome }
  'alias.delete': { input: { tenant: string; name: string; alias: string }; output: boolean }
  'alias.end-canary': { input: CanaryEnd; output: boolean }
  'alias.roll-back': { input: { tenant: string; name: string; alias: string; now: number }; output: RolledBack }
  /** Removes some code that no version of a function has any more; true if there may be more. */
  'artifacts.purge': { input: Record<string, never>; output: boolean }
  /** Takes, and gives back, the room of a large record with its details. */
  'ledger.take-room': { input: Record<string, never>; output: void }
  'ledger.give-room': { input: Record<string, never>; output: void }
  'invoice.put': { input: Invoice; output: boolean }
  'sql-binding.put': { input: SqlBindingPut; output: 'done' | 'too-many' }
  'sql-binding.delete': { input: { tenant: string; name: string }; output: boolean }
  'secret.put': { input: SecretRecord & { readonly quota: SecretQuota }; output: 'done' | keyof SecretQuota }
  'secret.delete': { input: { tenant: string; name: string }; output: boolean }
  sweep: { input: { now: number; detailsBefore: number }; output: Swept }
}

export type CommandKind = keyof Commands
export type CommandInput<Kind extends CommandKind> = Commands[Kind]['input']
export type CommandOutput<Kind extends CommandKind> = Commands[Kind]['output']

export interface TenantPut {
  readonly id: string
  readonly policy: string
  readonly budget: string
  readonly env: string
  readonly createdAt: number
  readonly updatedAt: number
}

interface KvTarget {
  readonly tenant: string
  readonly key: string
  readonly now: number
  readonly keysMax: number
  readonly bytesMax: number
}

export interface KvPut extends KvTarget {
  readonly value: string
  readonly expiresAt: number | null
  readonly metadata: string | null
}

export interface KvIncrement extends KvTarget {
  readonly by: number
}

export interface FunctionDeploy {
  readonly tenant: string
  readonly name: string
  readonly artifact: string
  readonly language: string
  readonly main: string
  readonly modules: string
  readonly size: number
  readonly config: string
  readonly handlers: string
  /** The alias to move. */
  readonly publish: string | null
  readonly now: number
  readonly countMax: number
  readonly versionsMax: number
  readonly bytesMax: number
}

export interface AliasSet {
  readonly tenant: string
  readonly name: string
  readonly alias: string
  readonly version: number
  readonly canary: string | null
  readonly now: number
}

/** Nothing happens unless the alias leads to `version` with `from` as its canary. */
export interface CanaryEnd {
  readonly tenant: string
  readonly name: string
  readonly alias: string
  readonly version: number
  readonly from: number
  readonly findings: string
  readonly now: number
}

export interface SqlBindingPut {
  readonly tenant: string
  readonly name: string
  readonly sealed: string
  readonly boundBy: string
  readonly createdAt: number
  readonly updatedAt: number
  /** Bindings that the tenant may have. */
  readonly max: number
}

/** How the host starts the writer. */
export interface WriterSettings {
  /** The database file; its schema is up to date. */
  readonly path: string
  readonly synchronous: Synchronous
  /** Largest size of the database file; past it, writes fail. */
  readonly pagesMax: number
}

/**
 * When a commit is safe from a loss of power: `full` always, `normal` a moment later, `off` when the system sees fit. A
 * killed process loses no commit with any of them.
 */
export type Synchronous = 'full' | 'normal' | 'off'

/** What one sweep removed. */
export interface Swept {
  /** Run details past their retention. */
  readonly details: number
  /** Key-value entries past their expiry. */
  readonly entries: number
  /** Whether everything due is gone; if not, sweep again. */
  readonly complete: boolean
}

/** A command that did not take place, while its neighbours did. */
export interface Refusal {
  /** Its place in the batch. */
  readonly place: number
  readonly code: ErrorCode
  readonly message: string
  readonly cause?: Error
}

/** What the writer answers to one batch, after its commit. */
export interface Answer {
  /** What the commands gave back, by place; a command that gave back nothing is not listed. */
  readonly results: readonly (readonly [place: number, value: unknown])[]
  readonly refusals: readonly Refusal[]
  /** Set if nothing of the batch was committed. */
  readonly failure?: Error
}

/**
 * A batch is one string, a command a line: strings cross between threads far faster than objects. JSON text has no raw
 * tab and no raw line feed, so neither can occur inside a field.
 */
export const LINE_END = '\n'
/** The message that ends the writer. A batch is never empty. */
export const CLOSE = ''
const FIELD_END = '\t'
const CANONICAL_START = 0x7b

/** A post: the canonical text, which starts with `{`, then the run's details if there are any. */
export function postLine(canonical: string, details: string | undefined): string {
  return details === undefined ? canonical : `${canonical}${FIELD_END}${details}`
}

/** Any other command: its kind, then its input as JSON. */
export function commandLine<Kind extends CommandKind>(kind: Kind, input: CommandInput<Kind>): string {
  return `${kind}${FIELD_END}${JSON.stringify(input)}`
}

/** Whether a line is a post. */
export function isPost(line: string): boolean {
  return line.charCodeAt(0) === CANONICAL_START
}

/** The two halves of a line: canonical text and details, or kind and input. */
export function splitLine(line: string): readonly [string, string | undefined] {
  const at = line.indexOf(FIELD_END)
  return at === -1 ? [line, undefined] : [line.slice(0, at), line.slice(at + 1)]
}
