import { type Consumer, type EventSourceStore } from '../core/event-sources.ts'
import type { TenantId } from '../core/ids.ts'
import { type Millis, millis } from '../core/quantity.ts'
import type { ClaimedMessage, QueueStore } from '../core/queues.ts'
import type { AttemptParts } from './attempt.ts'
import { type Batch, deliver } from './batch.ts'
import type { Source, Work } from './dispatcher.ts'
import type { Lane, Share } from './lane-ring.ts'

/** Messages of one queue, for one function. */
export interface ConsumerLane extends Lane {
  readonly consumer: Consumer
}

interface Parts extends AttemptParts {
  readonly sources: EventSourceStore
  readonly queues: QueueStore
}

const SCAN_STEP = 256
const BATCH_DEFAULT = 10
const CONCURRENCY_DEFAULT = 5
/** By how much a message is longer out of sight than the run that has it may take, waits for its turn included. */
const MARGIN_MS = 30_000

function consumerLane(consumer: Consumer): ConsumerLane {
  return { key: `queue ${consumer.number}`, tenant: consumer.tenant, consumer }
}

/** Queues with consumers as a source of events. */
export interface QueueSource extends Source<ConsumerLane> {
  /** Lanes of a queue that was sent to. */
  lanesOf(tenant: TenantId, queue: string): Promise<readonly ConsumerLane[]>
}

export function createQueueSource(parts: Parts): QueueSource {
  const { sources, clock } = parts
  let cursor = 0
  return {
    async scan(now) {
      const { consumers, next } = await sources.dueConsumers(now, cursor, SCAN_STEP)
      cursor = next
      return consumers.map(consumerLane)
    },
    lanesOf: async (tenant, queue) => (await sources.dueConsumersOf(tenant, queue, clock.now())).map(consumerLane),
    async claim(shares: readonly Share<ConsumerLane>[]) {
      const claims = shares.flatMap(({ lane, limit }) => Array.from({ length: limit }, () => claimBatch(parts, lane)))
      return (await Promise.all(claims)).filter((work) => work !== undefined)
    },
    // A batch is claimed for as long as it can take.
    renew: async () => undefined,
    runsMax: ({ consumer }) => consumer.config.concurrency ?? CONCURRENCY_DEFAULT,
  }
}

async function claimBatch(parts: Parts, lane: ConsumerLane): Promise<Work | undefined> {
  const { tenant, config } = lane.consumer
  const lease = leaseOf(parts, lane.consumer)
  const messages = await parts.queues.claim(tenant, config.queue, { limit: config.batchSize ?? BATCH_DEFAULT, lease })
  if (messages.length === 0) return undefined
  return { lane, leases: [], run: () => work(parts, { consumer: lane.consumer, messages }) }
}

function leaseOf({ policyOf }: Parts, { tenant, config, lease }: Consumer): Millis {
  if (config.visibilityTimeoutMs !== undefined) return millis(config.visibilityTimeoutMs)
  const { wall, queueWait } = policyOf(tenant).limits
  return millis(Math.max(lease, wall + queueWait + MARGIN_MS))
}

async function work(parts: Parts, batch: Batch): Promise<Millis | undefined> {
  const { consumer, messages } = batch
  const { quota, fates, pause } = await deliver(parts, batch)
  await Promise.all(messages.map((message, index) => settle(parts, consumer, message, { fate: fates[index], quota })))
  return pause
}

type Delivered = Awaited<ReturnType<typeof deliver>>

async function settle(
  { queues }: Parts,
  { tenant, function: name }: Consumer,
  { lease }: ClaimedMessage,
  { fate, quota }: { readonly fate: Delivered['fates'][number] | undefined; readonly quota: Delivered['quota'] },
): Promise<boolean> {
  switch (fate?.kind) {
    case 'done':
      return queues.acknowledge(tenant, lease)
    case 'again':
      return queues.release(tenant, lease, fate.delay, fate.how)
    case 'buried':
      return queues.bury(
        tenant,
        lease,
        { function: name, error: fate.error, ...(fate.run && { run: fate.run }) },
        quota,
      )
    case undefined:
      // Its claim runs out.
      return false
  }
}
