import { type AbortSignal, createAbortSignal, signalAbort } from './abort-signal.ts'
import { finishInterface } from './webidl.ts'

/** Web DOM, "AbortController". */
export class AbortController {
  readonly #signal = createAbortSignal()

  get signal(): AbortSignal {
    return this.#signal
  }
  abort(reason: unknown = undefined): void {
    signalAbort(this.#signal, reason)
  }
}

finishInterface(AbortController, 'AbortController')
