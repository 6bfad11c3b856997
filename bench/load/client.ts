import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Load, LoadResult } from './load.ts'

/** The load generator, in a process of its own so that it takes no time of a server or of the bench. */
export interface Generator extends AsyncDisposable {
  /** Runs one load to its end. Rejects on the first answer that is not as expected. */
  run(load: Load): Promise<LoadResult>
}

/** Starts the generator. One process serves all loads, so that every server meets the same warm client. */
export function startGenerator(): Generator {
  const child: ChildProcess = fork(new URL('./generator.ts', import.meta.url), { execArgv: [] })
  const exited = once(child, 'exit')
  return {
    async run(load) {
      const answered = once(child, 'message')
      child.send(load)
      const gone = exited.then(() => Promise.reject(new Error('the load generator ended by itself')))
      const [{ result, fault }] = (await Promise.race([answered, gone])) as [{ result?: LoadResult; fault?: string }]
      if (result === undefined) throw new Error(`${load.path} on port ${load.port}: ${fault}`)
      return result
    },
    async [Symbol.asyncDispose]() {
      exited.catch(() => {})
      child.kill()
      await exited
    },
  }
}
