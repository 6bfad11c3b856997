import { Event } from './event.ts'
import { finishInterface, needArguments, toDictionary } from './webidl.ts'

/** HTML, "PromiseRejectionEvent". */
export class PromiseRejectionEvent extends Event {
  readonly #promise: Promise<unknown>
  readonly #reason: unknown

  constructor(type: unknown, eventInitDict: unknown) {
    needArguments(arguments.length, 2, 'PromiseRejectionEvent')
    super(type, eventInitDict)
    const { promise, reason } = toDictionary(eventInitDict, 'the init')
    if (promise === undefined) throw new TypeError('the init of a PromiseRejectionEvent needs a `promise`')
    this.#promise = Promise.resolve(promise)
    this.#reason = reason
  }

  get promise(): Promise<unknown> {
    return this.#promise
  }
  get reason(): unknown {
    return this.#reason
  }
}

finishInterface(PromiseRejectionEvent, 'PromiseRejectionEvent')
