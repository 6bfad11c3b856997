import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { type Findings, type Work, carryOut } from './tasks.ts'

const READ_TIMEOUT_MS = 1_000

// One verification's work off the host's thread, on a connection of its own: one message out is what it found.
const work = workerData as Work
parentPort?.postMessage(await findingsOf(work))

async function findingsOf(given: Work): Promise<Findings> {
  using database = new DatabaseSync(given.path, { readOnly: true, timeout: READ_TIMEOUT_MS })
  // What is posted meanwhile must not look like a difference.
  database.exec('PRAGMA cache_size = -8192; BEGIN')
  if ('tasks' in given) return carryOut(database, given.tasks)
  const { judge } = await import('./judge.ts')
  return await judge(database, given.judge)
}
