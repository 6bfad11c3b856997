// A process that opens the data directory it is given and posts runs until it is killed. It prints the id of each run
// that was acknowledged, and `open` before the first.
import { systemClock } from '../../src/core/clock.ts'
import { createRunIds } from '../../src/core/ids.ts'
import { openSqliteStores } from '../../src/store/sqlite/open.ts'
import { alice, bob, record } from './samples.ts'

const stores = await openSqliteStores({ directory: process.argv[2]!, clock: systemClock })
stores.announce('http://127.0.0.1:1')
process.stdout.write('open\n')
// The ids of samples.ts start anew in every process at the same moment.
const runId = createRunIds(systemClock.now)

async function postForever(index: number): Promise<void> {
  for (;;) {
    const run = runId()
    const details = { logs: index % 2 === 0 ? [] : [{ level: 'info', message: run } as const] }
    await stores.ledger.post(record({ run, tenant: index % 3 === 0 ? bob : alice }), details)
    process.stdout.write(`${run}\n`)
  }
}

await Promise.all(Array.from({ length: 20 }, (_, index) => postForever(index)))
