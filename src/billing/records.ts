import { epochMillis } from '../core/quantity.ts'
import type { LedgerLine, LedgerVerdict, TimeRange } from '../core/stores.ts'

/** What checking a tenant's accounts found: what the ledger says of itself, or an invoice that it does not make. */
export type Verification =
  | LedgerVerdict
  /** An invoice is not what ledger and price books make. */
  | { readonly ok: false; readonly reason: 'invoice-differs'; readonly period: string }

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
