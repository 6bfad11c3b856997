import type { LedgerStore } from './core/stores.ts'

/** For measuring what the ledger costs: everything is read, nothing is charged. */
export function withoutPosts(ledger: LedgerStore): LedgerStore {
  return {
    post: () => Promise.resolve(),
    sum: ledger.sum.bind(ledger),
    find: ledger.find.bind(ledger),
    page: ledger.page.bind(ledger),
    records: ledger.records.bind(ledger),
    tryWrite: ledger.tryWrite.bind(ledger),
    verify: ledger.verify.bind(ledger),
  }
}
