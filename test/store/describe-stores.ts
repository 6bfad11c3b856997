import { describe } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import type { Stores } from '../../src/core/stores.ts'
import { describeAccounts } from './describe-accounts.ts'
import { describeFunctions } from './describe-functions.ts'
import { describeKv } from './describe-kv.ts'
import { describeLedger } from './describe-ledger.ts'
import { describeRollups } from './describe-rollups.ts'
import { describeUsage } from './describe-usage.ts'

/** Opens empty stores that see time through `clock`; disposing them removes all they stored. */
export type OpenStores = (clock: Clock) => Promise<Stores>

/** What every store must do, whatever is beneath it. */
export function describeStores(name: string, open: OpenStores): void {
  describe(name, () => {
    describeAccounts(open)
    describeFunctions(open)
    describeKv(open)
    describeLedger(open)
    describeUsage(open)
    describeRollups(open)
  })
}
