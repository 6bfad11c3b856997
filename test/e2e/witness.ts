import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { RunUsage } from './independent-bill.ts'
import type { Client } from './server.ts'

interface Answered {
  readonly runId: string
  readonly status: string
  readonly usage: RunUsage
}

/** A record of the ledger as it was hashed. */
export type CanonicalRecord = Record<string, any>

/** Remembers all that callers were told, over any number of hosts on one data directory, and holds the ledger to it. */
export class Witness {
  readonly tenants: readonly string[]
  readonly #answered: ReadonlyMap<string, Answered[]>
  /** Runs that were asked for and not answered: each may be in the ledger, or not. */
  readonly #unanswered: Map<string, number>

  constructor(tenants: readonly string[]) {
    this.tenants = tenants
    this.#answered = new Map(tenants.map((tenant) => [tenant, []]))
    this.#unanswered = new Map(tenants.map((tenant) => [tenant, 0]))
  }

  get answers(): number {
    return [...this.#answered.values()].reduce((sum, { length }) => sum + length, 0)
  }

  /** A run was answered with this body. */
  hear(tenant: string, body: Answered): void {
    this.#answered.get(tenant)?.push(body)
  }

  /** A run was asked for, and the host was gone before it answered. */
  missAnswer(tenant: string): void {
    this.#unanswered.set(tenant, this.unanswered(tenant) + 1)
  }

  unanswered(tenant: string): number {
    return this.#unanswered.get(tenant) ?? 0
  }

  /** Every answered run is in the ledger once, as it was told; the chain holds, by the server’s word and by ours. Throws if not. */
  async check(server: Client): Promise<void> {
    for (const tenant of this.tenants) {
      const records = await readRecords(server, tenant)
      const byRun = new Map(records.map((record) => [record['run'] as string, record]))
      assert.equal(byRun.size, records.length, `a run of ${tenant} is in the ledger twice`)
      const told = this.#answered.get(tenant) ?? []
      for (const { runId, status, usage } of told) {
        const record = byRun.get(runId)
        assert(record !== undefined, `${runId} of ${tenant} was answered and is not in the ledger`)
        const { wallMs, cpuMs, units, memoryMb } = usageOf(record)
        const expected = { wallMs: usage.wallMs, cpuMs: usage.cpuMs, units: usage.units, memoryMb: usage.memoryMb }
        assert.deepEqual({ status: record['status'], wallMs, cpuMs, units, memoryMb }, { status, ...expected }, runId)
      }
      const extra = records.length - told.length
      const bound = this.unanswered(tenant)
      assert(
        extra >= 0 && extra <= bound,
        `${extra} records of ${tenant} without an answer, of ${bound} unanswered runs`,
      )
      const { body: verdict } = await server.post(`/v1/tenants/${tenant}/bill/verify`)
      assert.equal(verdict.ok, true, `the chain of ${tenant}: ${JSON.stringify(verdict)}`)
      assert.equal(verdict.records, records.length)
    }
  }
}

/** A tenant's records, each checked to follow the one before. */
export async function readRecords(server: Client, tenant: string): Promise<CanonicalRecord[]> {
  const { text } = await server.get(`/v1/tenants/${tenant}/bill/records`)
  let previous = '0'.repeat(64)
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      const { sequence, canonical, hash, previousHash } = JSON.parse(line)
      assert.deepEqual({ sequence, previousHash }, { sequence: index + 1, previousHash: previous })
      const own = createHash('sha256').update(`${previous}${canonical}`).digest('hex')
      assert.equal(hash, own, `record ${sequence} of ${tenant}`)
      previous = hash
      return JSON.parse(canonical)
    })
}

/** The usage of a record, in the units of an answer. */
export function usageOf({ wallMicros, cpuMicros, units, memoryMb, operations }: CanonicalRecord): RunUsage {
  return { wallMs: wallMicros / 1_000, cpuMs: cpuMicros / 1_000, units, memoryMb, operations } as RunUsage
}
