import type { Body } from './body.ts'
import { extractBody } from './body-init.ts'
import { type BodyOwner, defineBody } from './body-mixin.ts'
import { HeaderList } from './header-list.ts'
import { type Guard, type Headers, createHeaders, fillHeaders, toPairs } from './headers.ts'
import { parseUrl } from './request-url.ts'
import {
  finishInterface,
  makeEnumerable,
  needArguments,
  toByteString,
  toDictionary,
  toUnsignedShort,
  toUSVString,
} from './webidl.ts'

/** Everything that a response is. */
export interface ResponseState extends BodyOwner {
  readonly type: 'basic' | 'default' | 'error'
  /** Empty for a response that the guest has made. */
  readonly url: string
  readonly status: number
  readonly statusText: string
  /** Whether it comes from elsewhere than where the request was first sent. */
  readonly redirected?: boolean
  readonly guard: Guard
  body: Body | null
}

interface Init {
  readonly status: number
  readonly statusText: string
  readonly pairs: ReturnType<typeof toPairs>
}

/** Proves to the constructor that the platform calls, with a state. */
const MAKING = Symbol('making')

const REASON = /^[\t\x20-\x7e\x80-\xff]*$/
const NULL_BODY_STATUS = new Set([101, 103, 204, 205, 304])
const REDIRECT_STATUS = new Set([301, 302, 303, 307, 308])

const { stringify } = JSON

let stateIn: (response: Response) => ResponseState
let hasState: (value: object) => boolean

/** Fetch, "Response". */
export class Response {
  readonly #state: ResponseState
  #headers: Headers | undefined

  static {
    stateIn = (response) => response.#state
    hasState = (value) => #state in value
  }

  constructor(body: unknown = null, init: unknown = undefined) {
    if (body === MAKING) {
      this.#state = init as ResponseState
      return
    }
    const extracted = body === null || body === undefined ? undefined : extractBody(body)
    const { status, statusText, pairs } = toInit(init)
    this.#state = {
      type: 'default',
      url: '',
      status,
      statusText,
      headers: new HeaderList(),
      guard: 'response',
      body: null,
    }
    fillHeaders(this.headers, pairs)
    if (extracted !== undefined) setBody(this.#state, extracted.body, extracted.type)
  }

  static error(): Response {
    const fields = { type: 'error', url: '', status: 0, statusText: '', guard: 'immutable', body: null } as const
    return createResponse({ ...fields, headers: new HeaderList() })
  }

  static redirect(url: unknown, status: unknown = 302): Response {
    needArguments(arguments.length, 1, 'Response.redirect')
    const text = toUSVString(url)
    const code = toUnsignedShort(status)
    const headers = new HeaderList()
    headers.set('location', parseUrl(text))
    if (!REDIRECT_STATUS.has(code)) throw new RangeError(`${code} is not the status of a redirect`)
    const fields = { type: 'default', url: '', status: code, statusText: '', guard: 'immutable', body: null } as const
    return createResponse({ ...fields, headers })
  }

  static json(data: unknown, init: unknown = undefined): Response {
    needArguments(arguments.length, 1, 'Response.json')
    const text = stringify(data) as string | undefined
    if (text === undefined) throw new TypeError('the value of Response.json is nothing that JSON can hold')
    const response = new Response(null, init)
    setBody(response.#state, extractBody(text).body, 'application/json')
    return response
  }

  get type(): string {
    return this.#state.type
  }
  get url(): string {
    return this.#state.url
  }
  get redirected(): boolean {
    return this.#state.redirected ?? false
  }
  get status(): number {
    return this.#state.status
  }
  get ok(): boolean {
    const { status } = this.#state
    return status >= 200 && status <= 299
  }
  get statusText(): string {
    return this.#state.statusText
  }
  get headers(): Headers {
    this.#headers ??= createHeaders(this.#state.headers, this.#state.guard)
    return this.#headers
  }

  clone(): Response {
    const state = this.#state
    const body = state.body?.copy() ?? null
    return createResponse({ ...state, headers: state.headers.copy(), body })
  }
}

finishInterface(Response, 'Response')
makeEnumerable(Response, 'error', 'redirect', 'json')
defineBody(Response, (object) => {
  if (!isResponse(object)) throw new TypeError('Illegal invocation')
  return stateIn(object)
})

export function isResponse(value: unknown): value is Response {
  return typeof value === 'object' && value !== null && hasState(value)
}

export function responseStateOf(response: Response): ResponseState {
  return stateIn(response)
}

export function createResponse(state: ResponseState): Response {
  return new Response(MAKING, state)
}

/** `ResponseInit`, its members read in the order of their names. */
function toInit(value: unknown): Init {
  const init = toDictionary(value, 'the options of a response')
  const { headers } = init
  const pairs = headers === undefined ? [] : toPairs(headers)
  const { status: given } = init
  const status = given === undefined ? 200 : toUnsignedShort(given)
  const { statusText: reason } = init
  const statusText = reason === undefined ? '' : toByteString(reason, 'statusText')
  if (status < 200 || status > 599) throw new RangeError(`the status must be from 200 to 599, not ${status}`)
  if (!REASON.test(statusText)) throw new TypeError('statusText has a character that a status line cannot have')
  return { status, statusText, pairs }
}

function setBody(state: ResponseState, body: Body, type: string | null): void {
  if (NULL_BODY_STATUS.has(state.status)) throw new TypeError(`a response of status ${state.status} has no body`)
  state.body = body
  if (type !== null && !state.headers.has('content-type')) state.headers.append('content-type', type)
}
