import { Event, initialize, stateOf } from './event.ts'
import { type EventTarget, isEventTarget } from './event-target.ts'
import { finishInterface, needArguments, toDictionary, toDOMString, toSequence, toUSVString } from './webidl.ts'

interface Parts {
  readonly data: unknown
  readonly origin: string
  readonly lastEventId: string
  readonly source: EventTarget | null
  readonly ports: readonly object[]
}

/** HTML, "MessageEvent". */
export class MessageEvent extends Event {
  #parts: Parts

  constructor(type: unknown, eventInitDict: unknown = undefined) {
    needArguments(arguments.length, 1, 'MessageEvent')
    super(type, eventInitDict)
    const { data, lastEventId, origin, ports, source } = toDictionary(eventInitDict, 'the init')
    this.#parts = toParts(data, origin, lastEventId, source, ports)
  }

  get data(): unknown {
    return this.#parts.data
  }
  get origin(): string {
    return this.#parts.origin
  }
  get lastEventId(): string {
    return this.#parts.lastEventId
  }
  get source(): EventTarget | null {
    return this.#parts.source
  }
  get ports(): readonly object[] {
    return this.#parts.ports
  }
  initMessageEvent(
    type: unknown,
    bubbles: unknown = false,
    cancelable: unknown = false,
    ...[data, origin, lastEventId, source, ports]: readonly unknown[]
  ): void {
    // Throws for what is none.
    void this.#parts
    needArguments(arguments.length, 1, 'initMessageEvent')
    const name = toDOMString(type)
    const parts = toParts(data, origin, lastEventId, source, ports)
    const state = stateOf(this)
    if (state.isDispatched) return
    initialize(state, name, bubbles, cancelable)
    this.#parts = parts
  }
}

finishInterface(MessageEvent, 'MessageEvent')

function toParts(data: unknown, origin: unknown, lastEventId: unknown, source: unknown, ports: unknown): Parts {
  if (source !== undefined && source !== null && !isEventTarget(source)) {
    throw new TypeError('the source of a message must be a MessagePort')
  }
  return {
    data: data === undefined ? null : data,
    origin: origin === undefined ? '' : toUSVString(origin),
    lastEventId: lastEventId === undefined ? '' : toDOMString(lastEventId),
    source: source ?? null,
    ports: Object.freeze(ports === undefined ? [] : toPorts(ports)),
  }
}

/** Read late: a port sends these. */
function toPorts(value: unknown): object[] {
  const { isMessagePort } = require('./message-port.ts') as typeof import('./message-port.ts')
  return toSequence(value, 'the ports of a message').map((port) => {
    if (!isMessagePort(port)) throw new TypeError('the ports of a message must be MessagePorts')
    return port
  })
}
