import { Event, initialize, stateOf } from './event.ts'
import { finishInterface, needArguments, toDictionary, toDOMString } from './webidl.ts'

/** Web DOM, "CustomEvent". */
export class CustomEvent extends Event {
  #detail: unknown

  constructor(type: unknown, eventInitDict: unknown = undefined) {
    needArguments(arguments.length, 1, 'CustomEvent')
    super(type, eventInitDict)
    const { detail = null } = toDictionary(eventInitDict, 'the init')
    this.#detail = detail
  }

  get detail(): unknown {
    return this.#detail
  }
  initCustomEvent(type: unknown, bubbles: unknown = false, cancelable: unknown = false, detail: unknown = null): void {
    // Throws for what is none.
    void this.#detail
    needArguments(arguments.length, 1, 'initCustomEvent')
    const name = toDOMString(type)
    const state = stateOf(this)
    if (state.isDispatched) return
    initialize(state, name, bubbles, cancelable)
    this.#detail = detail
  }
}

finishInterface(CustomEvent, 'CustomEvent')
