import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Starts post-forever.ts on a data directory. Killed when it leaves its scope. */
export function postForever(directory: string): PostingChild {
  const script = fileURLToPath(new URL('./post-forever.ts', import.meta.url))
  return new PostingChild(spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] }))
}

export class PostingChild implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #lines: string[] = []
  readonly #waits: { readonly count: number; readonly resolve: () => void }[] = []

  constructor(process: ChildProcess) {
    this.#process = process
    createInterface({ input: process.stdout! }).on('line', (line) => {
      this.#lines.push(line)
      for (const { count, resolve } of this.#waits) if (this.#lines.length >= count) resolve()
    })
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** Waits until the child has the directory open and has had so many runs acknowledged. */
  acknowledged(count: number): Promise<void> {
    return new Promise((resolve) => this.#waits.push({ count: count + 1, resolve }))
  }

  /** Kills it with SIGKILL; gives back the runs that it had printed as acknowledged. */
  async kill(): Promise<readonly string[]> {
    this.#process.kill('SIGKILL')
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, 'close')
    // What stands after the last line feed was cut off by the kill.
    return this.#lines.slice(1).filter((line) => line.length === 30)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}
