import type { Operations } from '../core/run.ts'
import type { UsageSums } from '../core/stores.ts'
import { SUMMED, type Summed, eachSum } from '../core/summed.ts'
import type { CanonicalFields } from './canonical.ts'

/** Sums of some records by quantity. */
export type Totals = Readonly<Record<Summed, bigint>>

/**
 * Sums of ledger records, exact however many they are. A roll-up keeps them as text, because a sum of integers that a
 * database can hold need not be one.
 */
export class Sums {
  readonly #totals = eachSum(() => 0n)
  readonly #operations = new Map<string, bigint>()

  /** Adds one record. Only a run is a request; an init and an hour of storage are charged for what they used. */
  addRecord(record: CanonicalFields, operations: Operations): void {
    const totals = this.#totals
    totals.records += 1n
    if (record.kind === 'run') totals.requests += 1n
    totals.units += BigInt(record.units)
    totals.unitMebibytes += BigInt(record.units) * BigInt(record.memoryMb)
    totals.wallMicros += BigInt(record.wallMicros)
    totals.cpuMicros += BigInt(record.cpuMicros)
    totals.inputBytes += BigInt(record.inputBytes)
    totals.outputBytes += BigInt(record.outputBytes)
    totals.egressBytes += BigInt(record.egressBytes)
    totals.ingressBytes += BigInt(record.ingressBytes)
    totals.storedByteHours += BigInt(record.storedByteHours)
    totals.coldStarts += BigInt(record.coldStart)
    this.#addOperations(operations)
  }

  /** Adds the totals of records that all used the same operations. */
  addGroup(totals: Totals, operations: Operations): void {
    for (const name of SUMMED) this.#totals[name] += totals[name]
    for (const [name, count] of Object.entries(operations)) {
      this.#operations.set(name, (this.#operations.get(name) ?? 0n) + BigInt(count) * totals.records)
    }
  }

  /** Adds what {@link text} wrote. Throws what JSON.parse and BigInt throw. */
  addText(text: string): void {
    const { operations, ...quantities } = JSON.parse(text) as { operations?: Record<string, string> }
    for (const [name, value] of Object.entries(quantities)) this.#totals[name as Summed] += BigInt(value as string)
    if (operations !== undefined) this.#addOperations(operations)
  }

  /** The records that were added. */
  get records(): bigint {
    return this.#totals.records
  }

  /** One text for one state: what is zero is left out, operations are in the order of their names. */
  text(): string {
    const operations = this.#sorted()
    const quantities = SUMMED.flatMap((name) => {
      const value = this.#totals[name]
      return value === 0n ? [] : [[name, String(value)] as const]
    })
    return JSON.stringify({
      ...Object.fromEntries(quantities),
      ...(operations.length > 0 && {
        operations: Object.fromEntries(operations.map(([name, count]) => [name, String(count)])),
      }),
    })
  }

  /** As the ledger tells them. */
  view(group: UsageSums['group']): UsageSums {
    return { group, ...this.#totals, operations: Object.fromEntries(this.#sorted()) }
  }

  #addOperations(operations: Operations | Readonly<Record<string, string>>): void {
    for (const name in operations) {
      this.#operations.set(name, (this.#operations.get(name) ?? 0n) + BigInt(operations[name] ?? 0))
    }
  }

  #sorted(): readonly (readonly [string, bigint])[] {
    return [...this.#operations].toSorted(([left], [right]) => (left < right ? -1 : 1))
  }
}
