import { type RunId, type TenantId, artifactId, createRunIds, parseTenantId } from '../../src/core/ids.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { Policy } from '../../src/core/policy.ts'
import { bytes, epochMillis, mebibytes, micros, millis } from '../../src/core/quantity.ts'
import type { Consumed, Operations, Report, Ticket, Traffic } from '../../src/core/run.ts'
import type { Budget } from '../../src/core/stores.ts'
import { type BillingDesk, createBilling } from '../../src/billing/billing.ts'
import { loadPriceBooks, parsePriceBook, type PriceBook } from '../../src/billing/price-book.ts'
import { PriceBooks } from '../../src/billing/price-books.ts'
import { MemoryInvoices } from './memory-invoices.ts'
import { MemoryLedger } from './memory-ledger.ts'

export const alice = parseTenantId('alice')!
export const bob = parseTenantId('bob')!
export const defaultBook = loadPriceBooks()[0]!
/** 50 ms: what the host takes to end a run that passed its deadline. */

export const timeOf = (text: string) => epochMillis(Date.parse(text))

/** A clock that stands until it is set. */
export class StillClock implements Clock {
  at = timeOf('2026-03-04T12:00:00Z')
  now = () => this.at
  elapsed = () => millis(0)
  set(text: string): void {
    this.at = timeOf(text)
  }
}

interface PolicyFields {
  wallMs?: number
  cpuMs?: number
  memoryMb?: number
  kvOperations?: number | undefined
}

export function policy({ wallMs = 1_050, cpuMs = 500, memoryMb = 128, kvOperations }: PolicyFields = {}): Policy {
  const kv = { keyBytes: bytes(512), valueBytes: bytes(1_024), keys: 100, storedBytes: bytes(1_024) }
  return {
    name: 'default',
    walls: 'process',
    limits: {
      wall: millis(wallMs),
      cpu: millis(cpuMs),
      memory: mebibytes(memoryMb),
      input: bytes(1_024),
      output: bytes(1_024),
      streamIn: bytes(1_000),
      streamOut: bytes(1_000),
      code: bytes(1_024),
      logs: bytes(1_024),
      logLines: 100,
      concurrency: 100,
      queue: 100,
      queueWait: millis(1_000),
      pendingCalls: 10,
      timers: 10,
    },
    rate: {
      perSecond: 1_000,
      burst: 1_000,
      unitsPerSecond: 1_000,
      unitsBurst: 1_000,
      deathsPerSecond: 1,
      deathsBurst: 20,
    },
    instance: { reuse: undefined, maxCells: 1, runsPerCell: 1, idle: millis(1_000), runsMax: 100 },
    engine: { jit: true, wasm: true, eval: true, temporal: true, clock: 'frozen', sharedMemory: false },
    functions: { count: 10, versions: 5, storedBytes: bytes(1_024) },
    events: { queued: 10, deadLetters: 10, deadLetterDays: 1, idempotencyKeys: 10, storedBytes: bytes(1_024) },
    capabilities: kvOperations === undefined ? {} : { kv: { ...kv, operations: kvOperations } },
  }
}

const runIds = createRunIds(() => 0)
const artifact = {
  id: artifactId('00'),
  language: 'javascript',
  main: 'main.js',
  modules: new Map(),
  size: bytes(0),
} as const

interface TicketFields extends PolicyFields {
  tenant?: TenantId
  run?: RunId
  at?: string
  input?: string
}

export function ticket({ tenant = alice, run = runIds(), at, input = '{}', ...fields }: TicketFields = {}): Ticket {
  const granted = policy(fields)
  return {
    run,
    request: { tenant, trigger: 'execute', artifact, input: new TextEncoder().encode(input) },
    policy: granted,
    reuse: 'context',
    wall: granted.limits.wall,
    admittedAt: timeOf(at ?? '2026-03-04T12:00:00Z'),
    [Symbol.dispose]() {},
  }
}

export function report({ wallMs = 12.4, cpuMs = 3.1, ...fields }: Partial<Report> & PolicyFields = {}): Report {
  return {
    status: 'ok',
    logs: [],
    wall: micros(Math.round(wallMs * 1_000)),
    cpu: micros(Math.round(cpuMs * 1_000)),
    peakMemory: bytes(0),
    coldStart: false,
    walls: 'C',
    ...fields,
  }
}

/** What a session counted. */
export function consumed(operations: Operations = {}, traffic: { egress?: number; ingress?: number } = {}): Consumed {
  const counted: Traffic = { egress: bytes(traffic.egress ?? 0), ingress: bytes(traffic.ingress ?? 0) }
  return { operations, traffic: counted }
}

export interface Stage {
  readonly desk: BillingDesk
  readonly ledger: MemoryLedger
  readonly clock: StillClock
  readonly budgets: Map<TenantId, Budget>
}

interface StageFields {
  readonly priceBook?: PriceBook
  /** Several versions, oldest first. */
  readonly priceBooks?: readonly PriceBook[]
}

/** The whole stage on a ledger in memory. */
export function stage({ priceBook = defaultBook, priceBooks = [priceBook] }: StageFields = {}): Stage {
  const ledger = new MemoryLedger()
  const clock = new StillClock()
  const budgets = new Map<TenantId, Budget>()
  const desk = createBilling({
    clock,
    ledger,
    prices: new PriceBooks(priceBooks),
    invoices: new MemoryInvoices(ledger),
    closedUntil: epochMillis(0),
    budgetOf: (tenant) => budgets.get(tenant) ?? {},
  })
  return { desk, ledger, clock, budgets }
}

interface Prices {
  compute: string
  request: string
  cpu?: string
  read: string
  write: string
}

/** A price book document with the shipped operation lines. */
export function bookDocument({ compute, request, cpu, read, write }: Prices) {
  return {
    name: 'test',
    version: 1,
    currency: 'USD',
    effectiveFrom: '2020-01-01',
    prices: {
      computeUsdPerGbSecond: compute,
      requestUsdPerMillion: request,
      ...(cpu === undefined ? {} : { cpuUsdPerSecond: cpu }),
      operationsUsdPerMillion: { 'kv.read': read, 'kv.write': write },
    },
    operations: {
      'kv.read': ['kv.get', 'kv.list'],
      'kv.write': ['kv.put', 'kv.delete', 'kv.increment', 'kv.compareAndSet'],
    },
  }
}

export function book(prices: Prices): PriceBook {
  const parsed = parsePriceBook(bookDocument(prices))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
  return parsed.book
}
