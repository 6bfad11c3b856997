import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import { AccountWriter } from './account-writer.ts'
import { AuthWriter } from './auth-writer.ts'
import { BlobWriter } from './blob-writer.ts'
import {
  type Answer,
  type CommandInput,
  type CommandKind,
  type CommandOutput,
  LINE_END,
  type Refusal,
  isPost,
  splitLine,
} from './commands.ts'
import { DeadLetterWriter } from './dead-letter-writer.ts'
import { DocIndexWriter } from './doc-index-writer.ts'
import { DocIndexes } from './doc-indexes.ts'
import { DocWriter } from './doc-writer.ts'
import { ExecutionWriter } from './execution-writer.ts'
import { FunctionWriter } from './function-writer.ts'
import { IdempotencyWriter } from './idempotency-writer.ts'
import { InvocationWriter } from './invocation-writer.ts'
import { InvoiceWriter } from './invoice-writer.ts'
import { KvWriter } from './kv-writer.ts'
import { LedgerWriter } from './ledger-writer.ts'
import { OrphanWriter } from './orphan-writer.ts'
import { Outbox } from './outbox.ts'
import { QueueWriter } from './queue-writer.ts'
import { SecretWriter } from './secret-writer.ts'
import { RoomWriter } from './room-writer.ts'
import { ReplayWriter } from './replay-writer.ts'
import { ScheduleWriter } from './schedule-writer.ts'
import { SqlBindingWriter } from './sql-binding-writer.ts'
import { SweepWriter } from './sweep-writer.ts'
import { WebhookWriter } from './webhook-writer.ts'

type Handlers = { readonly [Kind in CommandKind]: (input: CommandInput<Kind>) => CommandOutput<Kind> }

/**
 * Runs batches of commands on the one writing connection, each batch in one transaction.
 *
 * Invariant: what is not refused in an answer without `failure` is committed; what is refused, and all of a batch that
 * failed, left no trace.
 */
export class BatchRunner {
  readonly #database: DatabaseSync
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #ledger: LedgerWriter
  readonly #handlers: Handlers

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#ledger = new LedgerWriter(database)
    this.#handlers = handlersOf(database)
  }

  /** Runs a batch to its commit. Never throws: every trouble is in the answer. */
  run(batch: string): Answer {
    try {
      this.#begin.run()
      const answer = this.#execute(batch.split(LINE_END))
      this.#ledger.committing()
      this.#commit.run()
      this.#ledger.committed()
      return answer
    } catch (thrown) {
      this.#ledger.rolledBack()
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      return { results: [], refusals: [], failure: asError(thrown) }
    }
  }

  #execute(lines: readonly string[]): Answer {
    const results: [number, unknown][] = []
    const refusals: Refusal[] = []
    for (const [place, line] of lines.entries()) {
      try {
        const value = isPost(line) ? this.#ledger.append(line) : this.#dispatch(line)
        if (value !== undefined) results.push([place, value])
      } catch (thrown) {
        // A full disk or a read error may have rolled everything back: then nothing of the batch can stand.
        if (!this.#database.isTransaction) throw thrown
        refusals.push(refusalOf(place, thrown))
      }
    }
    return { results, refusals }
  }

  #dispatch(line: string): unknown {
    const [kind, input] = splitLine(line)
    const handler = this.#handlers[kind as CommandKind] as (input: unknown) => unknown
    return handler(JSON.parse(input ?? ''))
  }
}

function handlersOf(database: DatabaseSync): Handlers {
  const accounts = new AccountWriter(database)
  const kv = new KvWriter(database)
  const functions = new FunctionWriter(database)
  const invoices = new InvoiceWriter(database)
  const executions = new ExecutionWriter(database)
  const outbox = new Outbox(database)
  const blobs = new BlobWriter(database, outbox)
  const letters = new DeadLetterWriter(database)
  const queues = new QueueWriter(database, letters)
  const invocations = new InvocationWriter(database, { queues, letters })
  const schedules = new ScheduleWriter(database, invocations)
  const replays = new ReplayWriter(database, { invocations, queues })
  const idempotency = new IdempotencyWriter(database, invocations)
  const docIndexes = new DocIndexes(database)
  const docs = new DocWriter(database, docIndexes, outbox)
  const collections = new DocIndexWriter(database, docIndexes, docs)
  const auth = new AuthWriter(database)
  const orphans = new OrphanWriter(database)
  const purge = (): boolean =>
    kv.purgeOrphans() || auth.purgeOrphans() || orphans.purge() || collections.purge() || functions.purgeArtifacts()
  const sweeper = new SweepWriter(database, purge, (now) => auth.endExpired(now))
  const room = new RoomWriter(database)
  const sqlBindings = new SqlBindingWriter(database)
  const secrets = new SecretWriter(database)
  const webhooks = new WebhookWriter(database)
  return {
    'tenant.put': (input) => accounts.putTenant(input),
    'tenant.delete': (input) => accounts.deleteTenant(input),
    'key.put': (input) => accounts.putKey(input),
    'key.delete': (input) => accounts.deleteKey(input),
    'kv.put': (input) => kv.put(input),
    'kv.putMany': (input) => kv.putMany(input),
    'kv.deleteMany': (input) => kv.deleteMany(input),
    'kv.delete': (input) => kv.delete(input),
    'kv.increment': (input) => kv.increment(input),
    'kv.compare': (input) => kv.compareAndSet(input),
    'function.deploy': (input) => functions.deploy(input),
    'function.delete': (input) => functions.delete(input),
    'alias.set': (input) => functions.aliases.set(input),
    'alias.delete': (input) => functions.aliases.delete(input),
    'alias.end-canary': (input) => functions.aliases.endCanary(input),
    'alias.roll-back': (input) => functions.aliases.rollBack(input),
    'execution.begin': (input) => executions.begin(input),
    'execution.record': (input) => executions.record(input),
    'execution.take-event': (input) => executions.takeEvent(input),
    'execution.settle': (input) => executions.settle(input),
    'execution.deliver': (input) => executions.deliver(input),
    'execution.cancel': (input) => executions.cancel(input),
    'execution.forget': (input) => executions.forget(input),
    'artifacts.purge': () => functions.purgeArtifacts(),
    'kv.purge': purge,
    'blob.begin': (input) => blobs.begin(input),
    'blob.commit': (input) => blobs.commit(input),
    'blob.delete': (input) => blobs.delete(input),
    'blob.discard': (input) => blobs.discard(input),
    'blob.forget': (input) => blobs.forget(input),
    'queue.put': (input) => queues.put(input),
    'queue.delete': (input) => queues.delete(input),
    'queue.send': (input) => queues.send(input),
    'queue.purge': (input) => queues.purge(input),
    'queue.claim': (input) => queues.claim(input),
    'queue.acknowledge': (input) => queues.acknowledge(input),
    'queue.bury': (input) => queues.bury(input),
    'queue.release': (input) => queues.release(input),
    'invocation.enqueue': (input) => invocations.enqueue(input),
    'invocation.claim': (input) => invocations.claim(input),
    'invocation.renew': (input) => invocations.renew(input),
    'invocation.settle': (input) => invocations.settle(input),
    'invocation.recover': (input) => {
      idempotency.forgetRunning()
      return invocations.recover(input)
    },
    'schedule.keep': (input) => schedules.keep(input),
    'schedule.pause': (input) => schedules.pause(input),
    'letter.edit': (input) => letters.edit(input),
    'letter.delete': (input) => letters.delete(input),
    'letter.replay': (input) => replays.replay(input),
    'idempotency.begin': (input) => idempotency.begin(input),
    'idempotency.finish': (input) => idempotency.finish(input),
    'doc.write': (input) => docs.write(input),
    'doc.declare': (input) => collections.declare(input),
    'doc.build': (input) => collections.build(input),
    'doc.drop': (input) => collections.drop(input),
    'ledger.take-room': () => room.take(),
    'ledger.give-room': () => room.giveBack(),
    'invoice.put': (input) => invoices.put(input),
    'sql-binding.put': (input) => sqlBindings.put(input),
    'sql-binding.delete': (input) => sqlBindings.delete(input),
    'secret.put': (input) => secrets.put(input),
    'secret.delete': (input) => secrets.delete(input),
    'auth.add-user': (input) => auth.addUser(input),
    'auth.delete-user': (input) => auth.deleteUser(input),
    'auth.attempt': (input) => auth.attempt(input),
    'auth.add-session': (input) => auth.addSession(input),
    'auth.end-session': (input) => auth.endSession(input),
    'auth.end-sessions': (input) => auth.endSessions(input),
    'auth.set-password': (input) => auth.setPassword(input),
    'auth.add-key': (input) => auth.addKey(input),
    'webhook.put': (input) => webhooks.put(input),
    'webhook.delete': (input) => webhooks.delete(input),
    'webhook.enqueue': (input) => webhooks.enqueue(input),
    'webhook.settle': (input) => webhooks.settle(input),
    sweep: (input) => sweeper.sweep(input),
  }
}

function refusalOf(place: number, thrown: unknown): Refusal {
  if (thrown instanceof CloisterError) return { place, code: thrown.code, message: thrown.message }
  return { place, code: 'INTERNAL', message: 'the store refused a write', cause: asError(thrown) }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
