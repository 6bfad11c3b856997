import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../core/clock.ts'
import type { TenantId } from '../../core/ids.ts'
import { epochMillis, millis } from '../../core/quantity.ts'
import type { ClaimedMessage, QueueState, QueueStore, QueuedMessage } from '../../core/queues.ts'
import { type Notices, telling } from '../notices.ts'
import { reading } from '../reading.ts'
import type { MessageRow, QueueTarget } from './queue-commands.ts'
import { createMessageId } from './queue-writer.ts'
import type { WriteQueue } from './write-queue.ts'

interface Parts {
  readonly queue: WriteQueue
  /** A connection that is only read from. */
  readonly database: DatabaseSync
  readonly clock: Clock
  readonly notices: Notices
}

interface QueueRow {
  readonly name: string
  readonly created_at: number
  readonly retention_ms: number
  readonly lease_ms: number
  readonly messages: number
  readonly bytes: number
}

const TENANT = '(SELECT number FROM tenants WHERE id = ?)'
const QUEUE = `(SELECT number FROM queues WHERE tenant = ${TENANT} AND name = ?)`

/** Queues over the database. Each write is one commit, shared with whoever else writes at the moment. */
export function createQueueStore({ queue: writes, database, clock, notices }: Parts): QueueStore {
  const all = database.prepare(`SELECT * FROM queues WHERE tenant = ${TENANT} ORDER BY name`)
  const one = database.prepare(`SELECT * FROM queues WHERE tenant = ${TENANT} AND name = ?`)
  const page = database.prepare(
    `SELECT * FROM messages WHERE queue = ${QUEUE} AND expires_at > ?
      AND sequence > ifnull((SELECT sequence FROM messages WHERE queue = ${QUEUE} AND id = ?), 0) ORDER BY sequence LIMIT ?`,
  )
  const totals = database.prepare(
    `SELECT ifnull(sum(messages), 0) AS messages, ifnull(sum(bytes), 0) AS bytes FROM queues WHERE tenant = ${TENANT}`,
  )
  const targetOf = (tenant: TenantId, name: string): QueueTarget => ({ tenant, queue: name, now: clock.now() })
  return {
    list: (tenant) => reading(() => all.all(tenant).map((row) => stateOf(row as unknown as QueueRow))),
    find: (tenant, name) =>
      reading(() => {
        const row = one.get(tenant, name) as QueueRow | undefined
        return row && stateOf(row)
      }),
    put: async (tenant, name, { retention = null, lease = null }, quota) =>
      writes.write('queue.put', { ...targetOf(tenant, name), ...quota, retention, lease }),
    delete: async (tenant, name) => {
      const isDeleted = await writes.write('queue.delete', targetOf(tenant, name))
      while (isDeleted && (await writes.write('kv.purge', {}))) continue
      return isDeleted
    },
    send: async (tenant, name, messages, quota) =>
      telling(
        notices,
        { tenant, queue: name },
        writes.write('queue.send', {
          ...targetOf(tenant, name),
          quota,
          messages: messages.map(({ body, delay, deduplicationId = null, orderingKey = null, depth = 0 }) => ({
            id: createMessageId(),
            body,
            delay: Math.ceil(delay),
            deduplicationId,
            orderingKey,
            depth,
          })),
        }),
      ),
    peek: (tenant, name, { limit, after = '' }) =>
      reading(() =>
        page
          .all(tenant, name, clock.now(), tenant, name, after, limit)
          .map((row) => messageOf(row as unknown as MessageRow)),
      ),
    purge: async (tenant, name) => writes.write('queue.purge', targetOf(tenant, name)),
    claim: async (tenant, name, { limit, lease = null }) => {
      const rows = await writes.write('queue.claim', { ...targetOf(tenant, name), limit, lease })
      return rows.map((row): ClaimedMessage => ({ ...messageOf(row), lease: row.lease }))
    },
    acknowledge: async (tenant, lease) => writes.write('queue.acknowledge', { tenant, lease, now: clock.now() }),
    release: async (tenant, lease, delay, how) =>
      writes.write('queue.release', {
        tenant,
        lease,
        delay: Math.ceil(delay),
        unused: how === 'unused' ? 1 : 0,
        now: clock.now(),
      }),
    bury: async (tenant, lease, { function: name, error, run }, quota) =>
      writes.write('queue.bury', {
        tenant,
        lease,
        now: clock.now(),
        function: name,
        error: JSON.stringify(error),
        run: run ?? null,
        quota,
      }),
    stored: (tenant) => reading(() => totals.get(tenant) as unknown as { messages: number; bytes: number }),
  }
}

function stateOf({ name, created_at, retention_ms, lease_ms, messages, bytes }: QueueRow): QueueState {
  const settings = { retention: millis(retention_ms), lease: millis(lease_ms) }
  return { name, ...settings, createdAt: epochMillis(created_at), messages, bytes }
}

function messageOf({ id, body, ordering_key, sent_at, visible_at, attempts, depth }: MessageRow): QueuedMessage {
  return {
    id,
    body,
    ...(ordering_key !== null && { orderingKey: ordering_key }),
    sentAt: epochMillis(sent_at),
    visibleAt: epochMillis(visible_at),
    attempts,
    depth,
  }
}
