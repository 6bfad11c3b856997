import { EventTarget } from './event-target.ts'
import { getHost } from './host.ts'
import { finishInterface } from './webidl.ts'

/** Proves that it is made here. */
const MAKING = Symbol('making')

/** High Resolution Time, "Performance", by the guest's clock: it stands still where that does. */
export class Performance extends EventTarget {
  readonly #timeOrigin = getHost().timeOrigin

  constructor(making: unknown = undefined) {
    if (making !== MAKING) throw new TypeError('Illegal constructor')
    super()
  }

  now(): number {
    return getHost().now() - this.#timeOrigin
  }
  get timeOrigin(): number {
    return this.#timeOrigin
  }
  toJSON(): object {
    return { timeOrigin: this.#timeOrigin }
  }
}

finishInterface(Performance, 'Performance')

export const performance = new Performance(MAKING)
