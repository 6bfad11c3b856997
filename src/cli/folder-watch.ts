import { type FSWatcher, watch } from 'node:fs'

/** Editors write a file in several steps: what comes within this time is one change. */
const SETTLE_MS = 15

/** Tells of changes of files in folders. Nothing below them is looked at. */
export class FolderWatch implements Disposable {
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #onChange: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** Watches these folders and no others. One that is not there is left aside. */
  watch(folders: readonly string[]): void {
    for (const [folder, watcher] of this.#watchers) if (!folders.includes(folder)) this.#stop(folder, watcher)
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#start(folder)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    for (const [folder, watcher] of this.#watchers) this.#stop(folder, watcher)
  }

  #start(folder: string): void {
    try {
      const watcher = watch(folder, () => {
        clearTimeout(this.#timer)
        this.#timer = setTimeout(this.#onChange, SETTLE_MS)
      })
      watcher.on('error', () => this.#stop(folder, watcher))
      this.#watchers.set(folder, watcher)
    } catch {
      // It has gone since it was found.
    }
  }

  #stop(folder: string, watcher: FSWatcher): void {
    watcher.close()
    this.#watchers.delete(folder)
  }
}
