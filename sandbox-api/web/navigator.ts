import { finishInterface } from './webidl.ts'

/** Proves that it is made here. */
const MAKING = Symbol('making')

/** HTML, "Navigator": what the code runs in. */
export class Navigator {
  readonly #userAgent = 'Cloister'

  constructor(making: unknown = undefined) {
    if (making !== MAKING) throw new TypeError('Illegal constructor')
  }

  get userAgent(): string {
    return this.#userAgent
  }
}

finishInterface(Navigator, 'Navigator')

export const navigator = new Navigator(MAKING)
