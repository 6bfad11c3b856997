import { randomBytes } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CloisterError } from '../../core/errors.ts'
import type { SendOutcome, SentMessage } from '../../core/queues.ts'
import type { ClaimedRow, MessageRow, QueueCommands, QueueSend, QueueTarget } from './queue-commands.ts'
import type { DeadLetterWriter } from './dead-letter-writer.ts'
import { Savepoint } from './savepoint.ts'

type Input<Kind extends keyof QueueCommands> = QueueCommands[Kind]['input']

/** Rows removed at a time, so that one command never holds the writer for long. */
const PURGE_STEP = 500
/** How long a deduplication id is remembered: as long as SQS does. */
const DEDUPLICATION_MS = 300_000
const RETENTION_MS = 4 * 86_400_000
const LEASE_MS = 30_000

interface Queue {
  readonly number: number
  readonly retention_ms: number
  readonly lease_ms: number
  readonly messages: number
  readonly deduplications: number
}

interface HeldMessage extends MessageRow {
  readonly tenant: number
  /** Of its queue. */
  readonly name: string
}

interface Totals {
  readonly queues: number
  readonly messages: number
  readonly bytes: number
}

/** Changes queues inside the writer's transaction: one command at a time, so each is atomic. */
export class QueueWriter {
  readonly #savepoint: Savepoint
  readonly #letters: DeadLetterWriter
  readonly #tenant: StatementSync
  readonly #find: StatementSync
  readonly #totals: StatementSync
  readonly #create: StatementSync
  readonly #change: StatementSync
  readonly #delete: StatementSync
  readonly #duplicate: StatementSync
  readonly #remember: StatementSync
  readonly #insert: StatementSync
  readonly #claim: StatementSync
  readonly #held: StatementSync
  readonly #acknowledge: StatementSync
  readonly #release: StatementSync
  readonly #purgeExpired: StatementSync
  readonly #forgetExpired: StatementSync

  constructor(database: DatabaseSync, letters: DeadLetterWriter) {
    this.#letters = letters
    this.#savepoint = new Savepoint(database)
    this.#tenant = database.prepare('SELECT number FROM tenants WHERE id = ?')
    this.#find = database.prepare('SELECT * FROM queues WHERE tenant = ? AND name = ?')
    this.#totals = database.prepare(
      'SELECT count(*) AS queues, ifnull(sum(messages), 0) AS messages, ifnull(sum(bytes), 0) AS bytes FROM queues WHERE tenant = ?',
    )
    this.#create = database.prepare(
      'INSERT INTO queues (tenant, name, created_at, retention_ms, lease_ms) VALUES (?, ?, ?, ?, ?)',
    )
    this.#change = database.prepare(
      'UPDATE queues SET retention_ms = ifnull(?, retention_ms), lease_ms = ifnull(?, lease_ms) WHERE number = ?',
    )
    this.#delete = database.prepare('DELETE FROM queues WHERE number = ?')
    this.#duplicate = database.prepare(
      'SELECT message FROM deduplications WHERE queue = ? AND id = ? AND expires_at > ?',
    )
    this.#remember = database.prepare(
      `INSERT INTO deduplications (queue, id, message, expires_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (queue, id) DO UPDATE SET message = excluded.message, expires_at = excluded.expires_at`,
    )
    this.#insert = database.prepare(
      `INSERT INTO messages (queue, id, body, ordering_key, at_head, sent_at, visible_at, expires_at, depth)
      VALUES (?1, ?2, ?3, ?4,
        NOT EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND ordering_key IS NOT NULL AND ordering_key = ?4), ?5, ?6, ?7, ?8)`,
    )
    this.#claim = database.prepare(
      `UPDATE messages SET attempts = attempts + 1, lease = lower(hex(randomblob(16))), visible_at = ?2
      WHERE sequence IN (SELECT sequence FROM messages
        WHERE queue = ?1 AND at_head = 1 AND visible_at <= ?3 AND expires_at > ?3 ORDER BY visible_at, sequence LIMIT ?4)
      RETURNING sequence, id, body, ordering_key, sent_at, visible_at, attempts, depth, lease`,
    )
    const held = `lease = ?1 AND visible_at > ?2
      AND queue IN (SELECT number FROM queues WHERE tenant = (SELECT number FROM tenants WHERE id = ?3))`
    this.#held = database.prepare(
      `SELECT messages.*, queues.tenant, queues.name FROM messages JOIN queues ON queues.number = messages.queue WHERE ${held}`,
    )
    this.#acknowledge = database.prepare(`DELETE FROM messages WHERE ${held}`)
    this.#release = database.prepare(
      `UPDATE messages SET lease = NULL, visible_at = ?4, attempts = attempts - ?5 WHERE ${held}`,
    )
    this.#purgeExpired = database.prepare(
      `DELETE FROM messages WHERE sequence IN (SELECT sequence FROM messages
        WHERE queue IN (SELECT number FROM queues WHERE tenant = ?) AND expires_at <= ? LIMIT ${PURGE_STEP})`,
    )
    this.#forgetExpired = database.prepare(
      `DELETE FROM deduplications WHERE (queue, id) IN (SELECT queue, id FROM deduplications
        WHERE queue IN (SELECT number FROM queues WHERE tenant = ?) AND expires_at <= ? LIMIT ${PURGE_STEP})`,
    )
  }

  put(input: Input<'queue.put'>): QueueCommands['queue.put']['output'] {
    const tenant = this.#tenantOf(input.tenant)
    const found = this.#queueOf(tenant, input.queue)
    if (found === undefined) {
      if (this.#totalsOf(tenant).queues >= input.queues) return 'queues-exceeded'
      this.#create.run(tenant, input.queue, input.now, input.retention ?? RETENTION_MS, input.lease ?? LEASE_MS)
      return 'created'
    }
    this.#change.run(input.retention, input.lease, found.number)
    return 'changed'
  }

  delete({ tenant, queue }: QueueTarget): boolean {
    const found = this.#queueOf(this.#tenantOf(tenant), queue)
    return found !== undefined && this.#delete.run(found.number).changes !== 0
  }

  /** A queue of the same name and settings takes its place; what was in it goes in steps. */
  purge({ tenant, queue, now }: QueueTarget): number {
    const owner = this.#tenantOf(tenant)
    const found = this.#queueOf(owner, queue)
    if (found === undefined || (found.messages === 0 && found.deduplications === 0)) return 0
    this.#savepoint.run(
      () => {
        this.#delete.run(found.number)
        this.#create.run(owner, queue, now, found.retention_ms, found.lease_ms)
      },
      () => true,
    )
    return found.messages
  }

  send(input: QueueSend): SendOutcome {
    const tenant = this.#tenantOf(input.tenant)
    for (;;) {
      const outcome = this.#savepoint.run(
        () => this.#sendAll(tenant, input),
        ({ outcome: how }) => how === 'done',
      )
      // What has expired still counts. It makes room before anything is refused.
      if (outcome.outcome === 'done' || this.#makeRoom(tenant, input.now) === 0) return outcome
    }
  }

  /** The same inside a savepoint of the caller's, who undoes what is not `done`. */
  sendWithin(input: QueueSend): SendOutcome['outcome'] {
    return this.#sendAll(this.#tenantOf(input.tenant), input).outcome
  }

  claim({ tenant, queue, now, limit, lease }: Input<'queue.claim'>): readonly ClaimedRow[] {
    const found = this.#queueOf(this.#tenantOf(tenant), queue)
    if (found === undefined) return []
    const rows = this.#claim.all(
      found.number,
      now + (lease ?? found.lease_ms),
      now,
      limit,
    ) as unknown as (ClaimedRow & {
      readonly sequence: number
    })[]
    // RETURNING has no order of its own.
    return rows.toSorted((a, b) => a.sequence - b.sequence)
  }

  acknowledge({ tenant, lease, now }: Input<'queue.acknowledge'>): boolean {
    return this.#acknowledge.run(lease, now, tenant).changes !== 0
  }

  release({ tenant, lease, now, delay, unused }: Input<'queue.release'>): boolean {
    return this.#release.run(lease, now, tenant, now + delay, unused).changes !== 0
  }

  bury({ tenant, lease, now, quota, ...why }: Input<'queue.bury'>): boolean {
    const found = this.#held.get(lease, now, tenant) as HeldMessage | undefined
    if (found === undefined) return false
    const { id, body, ordering_key: orderingKey, attempts, depth, sent_at: createdAt, name: queue } = found
    const letter = { id, target: '{}', trigger: 'queue', input: body, depth, queue, orderingKey, attempts, createdAt }
    this.#letters.add(found.tenant, { ...letter, ...why }, quota, now)
    return this.#acknowledge.run(lease, now, tenant).changes !== 0
  }

  #sendAll(tenant: number, { queue, now, messages, quota }: QueueSend): SendOutcome {
    let target = this.#queueOf(tenant, queue)
    if (target === undefined) {
      if (this.#totalsOf(tenant).queues >= quota.queues) return { outcome: 'queues-exceeded' }
      this.#create.run(tenant, queue, now, RETENTION_MS, LEASE_MS)
      target = this.#queueOf(tenant, queue) as Queue
    }
    const { number, retention_ms: retention } = target
    const sent = messages.map((message): SentMessage => {
      const { deduplicationId } = message
      const first = deduplicationId === null ? undefined : this.#duplicate.get(number, deduplicationId, now)
      if (first !== undefined) return { id: String(first['message']), duplicate: true }
      const due = now + message.delay
      this.#insert.run(number, message.id, message.body, message.orderingKey, now, due, due + retention, message.depth)
      if (deduplicationId !== null) this.#remember.run(number, deduplicationId, message.id, now + DEDUPLICATION_MS)
      return { id: message.id, duplicate: false }
    })
    // A call of nothing but duplicates adds nothing, and may pass a quota that was lowered.
    if (sent.every(({ duplicate }) => duplicate)) return { outcome: 'done', sent }
    const totals = this.#totalsOf(tenant)
    const remembered = (this.#queueOf(tenant, queue) as Queue).deduplications
    if (totals.messages > quota.messages || remembered > quota.messages) return { outcome: 'messages-exceeded' }
    return totals.bytes > quota.storedBytes ? { outcome: 'bytes-exceeded' } : { outcome: 'done', sent }
  }

  #makeRoom(tenant: number, now: number): number {
    return Number(this.#purgeExpired.run(tenant, now).changes) + Number(this.#forgetExpired.run(tenant, now).changes)
  }

  #tenantOf(id: string): number {
    const found = this.#tenant.get(id) as { number: number } | undefined
    if (found === undefined) throw new CloisterError('NOT_FOUND', `there is no tenant ${id}`)
    return found.number
  }

  #queueOf(tenant: number, name: string): Queue | undefined {
    return this.#find.get(tenant, name) as Queue | undefined
  }

  #totalsOf(tenant: number): Totals {
    return this.#totals.get(tenant) as unknown as Totals
  }
}

/** A new message's id: it tells nothing of other tenants' messages. */
export function createMessageId(): string {
  return `msg_${randomBytes(13).toString('hex')}`
}
