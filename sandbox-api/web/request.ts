import type { AbortSignal } from './abort-signal.ts'
import type { Body } from './body.ts'
import { type BodyOwner, defineBody } from './body-mixin.ts'
import { HeaderList } from './header-list.ts'
import { type Guard, type Headers, createHeaders, fillHeaders } from './headers.ts'
import { type RequestInit, toRequestInit } from './request-init.ts'
import { hasCredentials, parseUrl } from './request-url.ts'
import { finishInterface, needArguments, toUSVString } from './webidl.ts'

/** Everything that a request is. */
export interface RequestState extends BodyOwner {
  readonly method: string
  readonly url: string
  readonly guard: Guard
  readonly mode: string
  readonly credentials: string
  readonly cache: string
  readonly redirect: string
  readonly referrer: string
  readonly referrerPolicy: string
  readonly integrity: string
  readonly keepalive: boolean
  /** What its own signal follows; a function if they are made when somebody asks for them. */
  readonly signals: readonly AbortSignal[] | (() => readonly AbortSignal[])
  readonly body: Body | null
}

const DEFAULTS = {
  method: 'GET',
  mode: 'cors',
  credentials: 'same-origin',
  cache: 'default',
  redirect: 'follow',
  referrer: 'about:client',
  referrerPolicy: '',
  integrity: '',
  keepalive: false,
} as const

/** Proves to the constructor that the platform calls, with a state. */
const MAKING = Symbol('making')

let stateIn: (request: Request) => RequestState
let hasState: (value: object) => boolean
let signalsIn: (request: Request) => readonly AbortSignal[]

/** Fetch, "Request". */
export class Request {
  readonly #state: RequestState
  #headers: Headers | undefined
  #signal: AbortSignal | undefined

  static {
    stateIn = (request) => request.#state
    hasState = (value) => #state in value
    signalsIn = (request) => (request.#signal === undefined ? followed(request.#state) : [request.#signal])
  }

  constructor(input: unknown, init: unknown = undefined) {
    if (input === MAKING) {
      this.#state = init as RequestState
      return
    }
    needArguments(arguments.length, 1, 'Request')
    const origin = isRequest(input) ? input : toUSVString(input)
    this.#state = createState(origin, toRequestInit(init))
  }

  get method(): string {
    return this.#state.method
  }
  get url(): string {
    return this.#state.url
  }
  get headers(): Headers {
    this.#headers ??= createHeaders(this.#state.headers, this.#state.guard)
    return this.#headers
  }
  get destination(): string {
    void this.#state
    return ''
  }
  get referrer(): string {
    return this.#state.referrer
  }
  get referrerPolicy(): string {
    return this.#state.referrerPolicy
  }
  get mode(): string {
    return this.#state.mode
  }
  get credentials(): string {
    return this.#state.credentials
  }
  get cache(): string {
    return this.#state.cache
  }
  get redirect(): string {
    return this.#state.redirect
  }
  get integrity(): string {
    return this.#state.integrity
  }
  get keepalive(): boolean {
    return this.#state.keepalive
  }
  get isReloadNavigation(): boolean {
    void this.#state
    return false
  }
  get isHistoryNavigation(): boolean {
    void this.#state
    return false
  }
  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const { createDependentSignal } = require('./abort-signal.ts') as typeof import('./abort-signal.ts')
      this.#signal = createDependentSignal(followed(this.#state))
    }
    return this.#signal
  }
  get duplex(): string {
    void this.#state
    return 'half'
  }

  clone(): Request {
    const state = this.#state
    const body = state.body?.copy() ?? null
    return createRequest({ ...state, headers: state.headers.copy(), signals: signalsIn(this), body })
  }
}

finishInterface(Request, 'Request')
defineBody(Request, (object) => {
  if (!isRequest(object)) throw new TypeError('Illegal invocation')
  return stateIn(object)
})

export function isRequest(value: unknown): value is Request {
  return typeof value === 'object' && value !== null && hasState(value)
}

export function requestStateOf(request: Request): RequestState {
  return stateIn(request)
}

/** A request as the platform makes one. What is not said of it is as it is by default. */
export function createRequest(state: Partial<RequestState> & Pick<RequestState, 'url' | 'headers' | 'guard'>): Request {
  return new Request(MAKING, { ...DEFAULTS, signals: [], body: null, ...state })
}

/** Fetch, "new Request(input, init)". */
function createState(input: Request | string, init: RequestInit): RequestState {
  const base = typeof input === 'string' ? { ...DEFAULTS, url: toTarget(input) } : stateIn(input)
  const { method = base.method, mode = base.mode, cache = base.cache } = init
  if (cache === 'only-if-cached' && mode !== 'same-origin') {
    throw new TypeError('the cache mode only-if-cached needs the mode same-origin')
  }
  const reset = init.isEmpty ? base : { ...base, referrer: DEFAULTS.referrer, referrerPolicy: DEFAULTS.referrerPolicy }
  const source = typeof input === 'string' ? undefined : stateIn(input)
  const headers = headersOf(source, init)
  const state = {
    url: base.url,
    guard: 'request' as const,
    method,
    mode,
    cache,
    credentials: init.credentials ?? base.credentials,
    redirect: init.redirect ?? base.redirect,
    referrer: init.referrer ?? reset.referrer,
    referrerPolicy: init.referrerPolicy ?? reset.referrerPolicy,
    integrity: init.integrity ?? base.integrity,
    keepalive: init.keepalive ?? base.keepalive,
    signals: signalsOf(input, init),
    headers,
  }
  return { ...state, body: bodyOf(source, init, method, headers) }
}

/** What the signal of a request follows. */
export function followed({ signals }: RequestState): readonly AbortSignal[] {
  return typeof signals === 'function' ? signals() : signals
}

function toTarget(text: string): string {
  const url = parseUrl(text)
  if (hasCredentials(url)) throw new TypeError('the URL of a request cannot have a user or a password in it')
  return url
}

/** Headers that were given go through the guard; a request that is only copied keeps its own as they are. */
function headersOf(source: RequestState | undefined, { headers: given, isEmpty }: RequestInit): HeaderList {
  if (isEmpty) return source?.headers.copy() ?? new HeaderList()
  const list = new HeaderList()
  fillHeaders(createHeaders(list, 'request'), given ?? source?.headers.sorted() ?? [])
  return list
}

function signalsOf(input: Request | string, { signal }: RequestInit): readonly AbortSignal[] {
  if (signal === null) return []
  if (signal !== undefined) return [signal]
  return typeof input === 'string' ? [] : signalsIn(input)
}

function bodyOf(
  source: RequestState | undefined,
  { body: given, duplex }: RequestInit,
  method: string,
  headers: HeaderList,
): Body | null {
  const inherited = source?.body ?? null
  const isBodyless = method === 'GET' || method === 'HEAD'
  if (isBodyless && (given ?? inherited) !== null) throw new TypeError(`a ${method} request has no body`)
  if (given === null || given === undefined) return inherited?.move() ?? null
  if (given.body.source === undefined && duplex === undefined) {
    throw new TypeError("a request whose body is a stream must say duplex: 'half'")
  }
  if (given.type !== null && !headers.has('content-type')) headers.append('content-type', given.type)
  return given.body
}
