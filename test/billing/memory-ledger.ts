import { createHash } from 'node:crypto'
import type { RunId, TenantId } from '../../src/core/ids.ts'
import type {
  LedgerLine,
  LedgerRecord,
  LedgerStore,
  LedgerVerdict,
  PostedRun,
  RunDetails,
  TimeRange,
  UsageGroup,
  UsageSums,
} from '../../src/core/stores.ts'

/** A ledger in memory, with a place to stand before and after each read and commit. */
export class MemoryLedger implements LedgerStore {
  readonly posted: PostedRun[] = []
  reads = 0
  /** Awaited around each step; rejecting makes the ledger fail there. */
  step: (name: 'commit' | 'committed' | 'read' | 'answer') => Promise<void> | undefined = () => undefined

  async post(record: LedgerRecord, details: RunDetails): Promise<void> {
    await this.step('commit')
    if (!this.posted.some(({ run }) => run === record.run)) this.posted.push({ ...record, details })
    await this.step('committed')
  }

  async sum(tenant: TenantId, range: TimeRange, groupBy: readonly UsageGroup[]): Promise<readonly UsageSums[]> {
    this.reads += 1
    await this.step('read')
    const sums = this.#sum(tenant, range, groupBy)
    await this.step('answer')
    return sums
  }

  find(tenant: TenantId, run: RunId): Promise<PostedRun | undefined> {
    return Promise.resolve(this.posted.find((record) => record.tenant === tenant && record.run === run))
  }

  page(): Promise<readonly LedgerRecord[]> {
    return Promise.resolve(this.posted.toReversed())
  }

  async *records(tenant: TenantId, range: TimeRange): AsyncIterable<LedgerLine> {
    let previousHash = ''
    for (const [sequence, { run, status, startedAt }] of this.#of(tenant, range).entries()) {
      const canonical = JSON.stringify({ run, status, startedAt })
      const hash = createHash('sha256')
        .update(previousHash + canonical)
        .digest('hex')
      yield await Promise.resolve({ sequence, canonical, hash, previousHash })
      previousHash = hash
    }
  }

  async tryWrite(): Promise<void> {
    await this.step('commit')
  }

  async verify(tenant: TenantId): Promise<LedgerVerdict> {
    const range = { from: 0, to: Number.MAX_SAFE_INTEGER } as unknown as TimeRange
    const lines = await Array.fromAsync(this.records(tenant, range))
    return { ok: true, records: lines.length, head: lines.at(-1)?.hash ?? '' }
  }

  #of(tenant: TenantId, { from, to }: TimeRange): PostedRun[] {
    return this.posted.filter((each) => each.tenant === tenant && from <= each.startedAt && each.startedAt < to)
  }

  #sum(tenant: TenantId, range: TimeRange, groupBy: readonly UsageGroup[]): readonly UsageSums[] {
    const records = this.#of(tenant, range)
    if (groupBy.length === 0) return [sumUp({}, records)]
    const groups = Map.groupBy(records, (record) => JSON.stringify(groupOf(record, groupBy)))
    return Array.from(groups, ([group, of]) => sumUp(JSON.parse(group) as UsageSums['group'], of))
  }
}

function groupOf(record: PostedRun, groupBy: readonly UsageGroup[]): UsageSums['group'] {
  const time = new Date(record.startedAt).toISOString()
  const all = {
    day: time.slice(0, 10),
    hour: `${time.slice(0, 13)}:00Z`,
    outcome: record.status,
    trigger: record.trigger,
    policy: record.policy,
    function: record.function?.name ?? '',
    version: String(record.function?.version ?? ''),
    kind: record.kind ?? 'run',
  }
  return Object.fromEntries(groupBy.map((group) => [group, all[group]]))
}

function sumUp(group: UsageSums['group'], records: readonly PostedRun[]): UsageSums {
  const total = (of: (record: PostedRun) => number): bigint => records.reduce((sum, each) => sum + BigInt(of(each)), 0n)
  const names = new Set(records.flatMap(({ usage }) => Object.keys(usage.operations)))
  return {
    group,
    records: BigInt(records.length),
    requests: BigInt(records.filter(({ kind }) => kind === undefined).length),
    units: total(({ usage }) => usage.units),
    unitMebibytes: total(({ usage }) => usage.units * usage.memory),
    wallMicros: total(({ usage }) => usage.wall),
    cpuMicros: total(({ usage }) => usage.cpu),
    inputBytes: total(({ usage }) => usage.inputSize),
    outputBytes: total(({ usage }) => usage.outputSize),
    egressBytes: total(({ usage }) => usage.egress),
    ingressBytes: total(({ usage }) => usage.ingress),
    storedByteHours: total(({ storedByteHours }) => storedByteHours ?? 0),
    coldStarts: total(({ usage }) => (usage.coldStart ? 1 : 0)),
    operations: Object.fromEntries(
      Array.from(names, (name) => [name, total(({ usage }) => usage.operations[name] ?? 0)]),
    ),
  }
}
