import { getHost } from './host.ts'
import { defineConstants, finishInterface, needArguments, toDictionary, toDOMString } from './webidl.ts'

/** What the dispatch of an event keeps in it. */
export interface EventState {
  type: string
  bubbles: boolean
  cancelable: boolean
  readonly composed: boolean
  readonly timeStamp: number
  isTrusted: boolean
  target: object | null
  /** Set while a listener is called. There are no trees here: it is the target. */
  currentTarget: object | null
  phase: number
  /** Set for as long as the event is on its way. */
  isDispatched: boolean
  isStopped: boolean
  isStoppedAtOnce: boolean
  isCanceled: boolean
  /** A listener that has promised not to cancel is being called. */
  inPassiveListener: boolean
}

/** Where a dispatch is. There are no trees here, so that it is either nowhere or at its target. */
export const PHASE = { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 } as const

let readState: (event: Event) => EventState
let hasState: (value: object) => boolean

/** Web DOM, "Event". */
export class Event {
  readonly #state: EventState

  static {
    readState = (event) => event.#state
    hasState = (value) => #state in value
  }

  constructor(type: unknown, eventInitDict: unknown = undefined) {
    needArguments(arguments.length, 1, 'Event')
    const name = toDOMString(type)
    const init = toDictionary(eventInitDict, 'the init of an event')
    const host = getHost()
    this.#state = {
      type: name,
      bubbles: !!init['bubbles'],
      cancelable: !!init['cancelable'],
      composed: !!init['composed'],
      timeStamp: host.now() - host.timeOrigin,
      isTrusted: false,
      target: null,
      currentTarget: null,
      phase: PHASE.NONE,
      isDispatched: false,
      isStopped: false,
      isStoppedAtOnce: false,
      isCanceled: false,
      inPassiveListener: false,
    }
    Object.defineProperty(this, 'isTrusted', IS_TRUSTED)
  }

  get type(): string {
    return this.#state.type
  }
  get target(): object | null {
    return this.#state.target
  }
  get srcElement(): object | null {
    return this.#state.target
  }
  get currentTarget(): object | null {
    return this.#state.currentTarget
  }
  composedPath(): object[] {
    const { currentTarget } = this.#state
    return currentTarget === null ? [] : [currentTarget]
  }
  get eventPhase(): number {
    return this.#state.phase
  }
  stopPropagation(): void {
    this.#state.isStopped = true
  }
  get cancelBubble(): boolean {
    return this.#state.isStopped
  }
  set cancelBubble(value: unknown) {
    const state = this.#state
    if (value) state.isStopped = true
  }
  stopImmediatePropagation(): void {
    this.#state.isStopped = true
    this.#state.isStoppedAtOnce = true
  }
  get bubbles(): boolean {
    return this.#state.bubbles
  }
  get cancelable(): boolean {
    return this.#state.cancelable
  }
  get returnValue(): boolean {
    return !this.#state.isCanceled
  }
  set returnValue(value: unknown) {
    const state = this.#state
    if (!value) cancel(state)
  }
  preventDefault(): void {
    cancel(this.#state)
  }
  get defaultPrevented(): boolean {
    return this.#state.isCanceled
  }
  get composed(): boolean {
    return this.#state.composed
  }
  get timeStamp(): number {
    return this.#state.timeStamp
  }
  initEvent(type: unknown, bubbles: unknown = false, cancelable: unknown = false): void {
    const state = this.#state
    needArguments(arguments.length, 1, 'initEvent')
    const name = toDOMString(type)
    if (!state.isDispatched) initialize(state, name, bubbles, cancelable)
  }
}

/** `isTrusted` is each event's own: the one accessor of the web that nobody can replace. */
const IS_TRUSTED: PropertyDescriptor = {
  get: Object.getOwnPropertyDescriptor(
    {
      get isTrusted(): boolean {
        return stateOf(this as unknown as Event).isTrusted
      },
    },
    'isTrusted',
  )?.get as () => boolean,
  enumerable: true,
  configurable: false,
}

finishInterface(Event, 'Event')
defineConstants(Event, PHASE)

function cancel(state: EventState): void {
  if (state.cancelable && !state.inPassiveListener) state.isCanceled = true
}

/** What `initEvent` and its like do to an event that is not on its way. */
export function initialize(state: EventState, type: string, bubbles: unknown, cancelable: unknown): void {
  state.type = type
  state.bubbles = !!bubbles
  state.cancelable = !!cancelable
  state.isStopped = false
  state.isStoppedAtOnce = false
  state.isCanceled = false
  state.isTrusted = false
  state.target = null
}

/** The state of an event. Throws TypeError for what is none. */
export function stateOf(event: Event): EventState {
  return readState(event)
}

export function isEvent(value: unknown): value is Event {
  return typeof value === 'object' && value !== null && hasState(value)
}

/** Marks an event as one that the platform has made. */
export function trust<Kind extends Event>(event: Kind): Kind {
  stateOf(event).isTrusted = true
  return event
}
