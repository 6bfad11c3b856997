import { Event } from './event.ts'
import { finishInterface, needArguments, toDictionary, toDOMString, toUSVString, toUnsignedLong } from './webidl.ts'

let hasParts: (value: object) => boolean

/** HTML, "ErrorEvent". */
export class ErrorEvent extends Event {
  readonly #colno: number
  readonly #error: unknown
  readonly #filename: string
  readonly #lineno: number
  readonly #message: string

  static {
    hasParts = (value) => #message in value
  }

  constructor(type: unknown, eventInitDict: unknown = undefined) {
    needArguments(arguments.length, 1, 'ErrorEvent')
    super(type, eventInitDict)
    const { colno = 0, error, filename = '', lineno = 0, message = '' } = toDictionary(eventInitDict, 'the init')
    this.#colno = toUnsignedLong(colno)
    this.#error = error
    this.#filename = toUSVString(filename)
    this.#lineno = toUnsignedLong(lineno)
    this.#message = toDOMString(message)
  }

  get message(): string {
    return this.#message
  }
  get filename(): string {
    return this.#filename
  }
  get lineno(): number {
    return this.#lineno
  }
  get colno(): number {
    return this.#colno
  }
  get error(): unknown {
    return this.#error
  }
}

finishInterface(ErrorEvent, 'ErrorEvent')

export function isErrorEvent(value: object): value is ErrorEvent {
  return hasParts(value)
}

/** What `onerror` of the global object is called with. */
export function readError({ message, filename, lineno, colno, error }: ErrorEvent): readonly unknown[] {
  return [message, filename, lineno, colno, error]
}
