import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { BatchRunner } from './batch.ts'
import { CLOSE, type WriterSettings } from './commands.ts'

/** Wait for another program's lock, such as a backup's, before a batch fails. */
const BUSY_TIMEOUT_MS = 5_000
/** Pages in the write-ahead log (8 MiB) before it is copied into the database, which holds up one commit. */
const CHECKPOINT_PAGES = 2_000
/** What is left of the log file after a burst. */
const LOG_BYTES_MAX = 64 << 20

function openForWriting({ path, synchronous, pagesMax }: WriterSettings): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA max_page_count = ${pagesMax};
    PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${LOG_BYTES_MAX};
    PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY`,
  )
  return database
}

// The writer's thread: it owns the only writing connection. One message in is one batch; one message out is its answer.
if (parentPort === null) throw new Error('writer.ts runs as a worker thread')
const port = parentPort
const database = openForWriting(workerData as WriterSettings)
const runner = new BatchRunner(database)
port.on('message', (batch: string) => {
  if (batch !== CLOSE) return port.postMessage(runner.run(batch))
  database.close()
  return port.close()
})
port.postMessage('ready')
