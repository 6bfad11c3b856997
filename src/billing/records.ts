import { epochMillis } from '../core/quantity.ts'
import type { LedgerLine, RollupFault, TimeRange } from '../core/stores.ts'

/** What checking a chain of ledger lines found: the last hash, or the first line that is wrong and why. */
export type Verification =
  | { readonly ok: true; readonly records: number; readonly head: string }
  | { readonly ok: false; readonly sequence: number; readonly reason: string }
  /** The records are right, and a roll-up is not their sum. */
  | { readonly ok: false; readonly reason: 'rollup-differs'; readonly rollup: RollupFault }
  /** An invoice is not what ledger and price books make. */
  | { readonly ok: false; readonly reason: 'invoice-differs'; readonly period: string }

/** Checks lines that begin with a tenant's first. Handed in, because who writes the chain knows how it is hashed. */
export type VerifyChain = (lines: AsyncIterable<LedgerLine>) => Promise<Verification>

/** From the first record to the last one there can be: the bounds of what a date can hold. */
export const ALL_TIME: TimeRange = Object.freeze({ from: epochMillis(0), to: epochMillis(8_640_000_000_000_000) })

/**
 * Ledger lines as NDJSON, one at a time, so that an export takes no memory however long it is. `canonical` stays text:
 * it is the bytes that `hash` covers, and whoever parsed and wrote them again could not check it.
 */
export async function* recordLines(lines: AsyncIterable<LedgerLine>): AsyncGenerator<string, void, void> {
  for await (const { sequence, previousHash, hash, canonical } of lines) {
    yield `${JSON.stringify({ sequence, previousHash, hash, canonical })}\n`
  }
}
