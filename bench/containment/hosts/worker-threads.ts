import { Worker } from 'node:worker_threads'
import { LIMITS } from '../program.ts'
import { type Ending, endBy, serveHost, textOf, valueEnding } from './host.ts'

/**
 * A worker thread a run, with an empty environment, the heap limits of the documentation, and an end by `terminate()` at the
 * deadline, which is the user's job.
 */
const RUNNER = `const { workerData, parentPort } = require('node:worker_threads')
const AsyncFunction = (async () => {}).constructor
new AsyncFunction('input', workerData.code)(workerData.input).then(
  (value) => parentPort.postMessage({ value }),
  (error) => parentPort.postMessage({ error: String(error?.message) }),
)`

serveHost(async () => async ({ code, input, wallMs }) => {
  const worker = new Worker(RUNNER, {
    eval: true,
    env: {},
    argv: [],
    execArgv: [],
    workerData: { code, input },
    resourceLimits: { maxOldGenerationSizeMb: LIMITS.memoryMb, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
  })
  const { promise, resolve } = Promise.withResolvers<Ending>()
  worker.once('message', ({ value, error }) => {
    try {
      resolve(error === undefined ? valueEnding(value) : { kind: 'error', text: error })
    } catch (thrown) {
      resolve({ kind: 'error', text: textOf(thrown) })
    }
  })
  worker.once('error', (error) => resolve({ kind: 'error', text: textOf(error) }))
  worker.once('exit', (exitCode) => resolve({ kind: 'error', text: `the worker ended with ${exitCode}` }))
  const ending = await endBy(wallMs, promise, () => worker.terminate())
  await worker.terminate()
  return ending
})
