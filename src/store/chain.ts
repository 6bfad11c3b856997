import { hash } from 'node:crypto'
import type { LedgerLine } from '../core/stores.ts'

/** What the first record of a tenant is chained to. */
export const GENESIS_HASH = '0'.repeat(64)

/** Where a tenant's chain ends. */
export interface ChainHead {
  readonly sequence: number
  readonly hash: string
}

/** A chain without a record. */
export const GENESIS: ChainHead = Object.freeze({ sequence: 0, hash: GENESIS_HASH })

/** SHA-256 of the previous record's hash (64 hexadecimal digits) followed by the record's canonical text. */
export function chainHash(previousHash: string, canonical: string): string {
  return hash('sha256', previousHash + canonical, 'hex')
}

/**
 * What can be wrong with a chain, at its first bad record:
 * `missing`: no record has this number; `reordered`: one has, but not at its place; `repeated`: the number occurs a
 * second time; `altered`: its hash is not the one of its text and the record before it, so it was edited or made up;
 * `unlinked`: the next record was chained to another than this one, so this one was put in another's place, or what
 * followed it was taken out and the rest numbered anew.
 */
export type ChainFault = 'missing' | 'reordered' | 'repeated' | 'altered' | 'unlinked'

export type ChainVerdict =
  | { readonly ok: true; readonly records: number; readonly head: string }
  | { readonly ok: false; readonly sequence: number; readonly reason: ChainFault }

/**
 * Checks a tenant's whole chain from its first record and names the first bad one. Whoever can write to the database can
 * also drop its last records or compute a whole new chain: compare `records` and `head` with a note taken earlier.
 */
export function verifyChain(lines: Iterable<LedgerLine>): ChainVerdict {
  const check = new ChainCheck()
  for (const line of lines) check.accept(line)
  return check.verdict()
}

/** {@link verifyChain} for a ledger that is read page by page. */
export async function verifyLedger(lines: AsyncIterable<LedgerLine>): Promise<ChainVerdict> {
  const check = new ChainCheck()
  for await (const line of lines) check.accept(line)
  return check.verdict()
}

class ChainCheck {
  #head: ChainHead = GENESIS
  #fault: { readonly sequence: number; readonly reason: ChainFault } | undefined

  accept(line: LedgerLine): void {
    if (this.#fault === undefined) {
      this.#fault = faultAfter(this.#head, line)
      this.#head = line
    } else if (this.#fault.reason === 'missing' && line.sequence === this.#fault.sequence) {
      this.#fault = { sequence: line.sequence, reason: 'reordered' }
    }
  }

  verdict(): ChainVerdict {
    if (this.#fault !== undefined) return { ok: false, ...this.#fault }
    return { ok: true, records: this.#head.sequence, head: this.#head.hash }
  }
}

function faultAfter(head: ChainHead, line: LedgerLine): { sequence: number; reason: ChainFault } | undefined {
  const sequence = head.sequence + 1
  if (line.sequence > sequence) return { sequence, reason: 'missing' }
  if (line.sequence < sequence) return { sequence: line.sequence, reason: 'repeated' }
  if (line.hash !== chainHash(line.previousHash, line.canonical)) return { sequence, reason: 'altered' }
  if (line.previousHash === head.hash) return undefined
  // The line agrees with itself, so it is the record before it that is not the one that was there.
  return { sequence: Math.max(1, head.sequence), reason: 'unlinked' }
}
