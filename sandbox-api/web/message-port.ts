import { refusal } from './clone-builtins.ts'
import { registerTransfer } from './clone-registry.ts'
import { Event } from './event.ts'
import { EventTarget, fire } from './event-target.ts'
import { defineHandlers, getHandler, setHandler } from './handlers.ts'
import { getHost, runNumber } from './host.ts'
import { MessageEvent } from './message-event.ts'
import { type Cloned, cloneWithTransfer, toObjects, toTransferList } from './structured-clone.ts'
import { finishInterface, needArguments } from './webidl.ts'

/** Deliveries that a port asks for ahead of time: they are taken one after the other in any case. */
const DELIVERIES_MAX = 16

/** One end of a channel. It moves from port to port when a port is transferred. */
interface End {
  /** The port that has it now. */
  port: MessagePort | undefined
  /** Undefined once the channel is closed. */
  other: End | undefined
  readonly queue: Cloned[]
  isStarted: boolean
  /** Timers that will deliver a message each, and the run that set them: timers end with their run. */
  deliveries: number
  run: number
}

/** Proves that it is made here. */
const MAKING = Symbol('making')

let ends: { read(port: MessagePort): End | undefined; set(port: MessagePort, end: End | undefined): void }
let hasEnd: (value: object) => boolean

/** HTML, "MessagePort". */
export class MessagePort extends EventTarget {
  #end: End | undefined

  static {
    ends = {
      read: (port) => port.#end,
      set: (port, end) => {
        port.#end = end
      },
    }
    hasEnd = (value) => #end in value
  }

  constructor(making: unknown = undefined) {
    if (making !== MAKING) throw new TypeError('Illegal constructor')
    super()
  }

  postMessage(message: unknown, options: unknown = undefined): void {
    const end = this.#end
    needArguments(arguments.length, 1, 'postMessage')
    const transfer = isIterable(options) ? toObjects(options) : toTransferList(options)
    if (transfer.includes(this)) throw refusal('the port that sends')
    const other = end?.other
    const isDoomed = other?.port !== undefined && transfer.includes(other.port)
    const cloned = cloneWithTransfer(message, transfer)
    if (other === undefined || isDoomed) return
    other.queue.push(cloned)
    schedule(other)
  }
  start(): void {
    const end = this.#end
    if (end === undefined || end.isStarted) return
    end.isStarted = true
    schedule(end)
  }
  close(): void {
    const end = this.#end
    this.#end = undefined
    const other = end?.other
    if (end !== undefined) end.port = undefined
    if (other === undefined) return
    other.other = undefined
    // What is under way still arrives, and then the word that nothing will.
    getHost().setTimer(() => void (other.port !== undefined && fire(other.port, new Event('close'))), 0)
  }
}

finishInterface(MessagePort, 'MessagePort')
defineHandlers(MessagePort, isMessagePort, 'messageerror', 'close')
/** Setting this handler also starts the port. */
Object.defineProperty(MessagePort.prototype, 'onmessage', {
  ...Object.getOwnPropertyDescriptor(
    {
      get onmessage(): unknown {
        return getHandler(checked(this), 'message')
      },
      set onmessage(value: unknown) {
        const port = checked(this)
        setHandler(port, 'message', value)
        port.start()
      },
    },
    'onmessage',
  ),
})

registerTransfer(MessagePort, {
  check(port) {
    if (ends.read(port) === undefined) throw refusal('a port that is closed or has been transferred')
  },
  move(port) {
    const end = ends.read(port)
    ends.set(port, undefined)
    return createPort(end)
  },
})

/** HTML, "MessageChannel": two ports, each of which gets what the other is given. */
export class MessageChannel {
  readonly #port1: MessagePort
  readonly #port2: MessagePort

  constructor() {
    const [first, second] = [createEnd(), createEnd()]
    first.other = second
    second.other = first
    this.#port1 = createPort(first)
    this.#port2 = createPort(second)
  }

  get port1(): MessagePort {
    return this.#port1
  }
  get port2(): MessagePort {
    return this.#port2
  }
}

finishInterface(MessageChannel, 'MessageChannel')

export function isMessagePort(value: unknown): value is MessagePort {
  return typeof value === 'object' && value !== null && hasEnd(value)
}

function checked(value: unknown): MessagePort {
  if (isMessagePort(value)) return value
  throw new TypeError('Illegal invocation')
}

function createEnd(): End {
  return { port: undefined, other: undefined, queue: [], isStarted: false, deliveries: 0, run: 0 }
}

function createPort(end: End | undefined): MessagePort {
  const port = new MessagePort(MAKING)
  if (end !== undefined) {
    end.port = port
    end.isStarted = false
  }
  ends.set(port, end)
  return port
}

function isIterable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && (value as Partial<Iterable<unknown>>)[Symbol.iterator] !== undefined
  )
}

/** Each message arrives in a turn of its own. */
function schedule(end: End): void {
  if (!end.isStarted) return
  if (end.run !== runNumber()) {
    end.run = runNumber()
    end.deliveries = 0
  }
  while (end.deliveries < end.queue.length && end.deliveries < DELIVERIES_MAX) {
    getHost().setTimer(() => deliver(end), 0)
    end.deliveries += 1
  }
}

function deliver(end: End): void {
  end.deliveries -= 1
  const { port } = end
  const message = end.isStarted && port !== undefined ? end.queue.shift() : undefined
  if (port === undefined || message === undefined) return
  schedule(end)
  fire(port, new MessageEvent('message', { data: message.value, ports: message.moved.filter(isMessagePort) }))
}
