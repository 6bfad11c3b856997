import type { AbortSignal } from './abort-signal.ts'
import { type ExtractedBody, extractBody } from './body-init.ts'
import { isForbiddenMethod, isToken } from './header-rules.ts'
import { toPairs } from './headers.ts'
import { parseUrl } from './request-url.ts'
import { toByteString, toDictionary, toDOMString, toEnumeration, toUSVString } from './webidl.ts'

const CACHES = ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'] as const
const CREDENTIALS = ['omit', 'same-origin', 'include'] as const
const MODES = ['navigate', 'same-origin', 'no-cors', 'cors'] as const
const PRIORITIES = ['high', 'low', 'auto'] as const
const REDIRECTS = ['follow', 'error', 'manual'] as const
const REFERRER_POLICIES = [
  '',
  'no-referrer',
  'no-referrer-when-downgrade',
  'same-origin',
  'origin',
  'strict-origin',
  'origin-when-cross-origin',
  'strict-origin-when-cross-origin',
  'unsafe-url',
] as const
/** Methods that are the same in small letters. */
const NORMALIZED = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'])

/** What a guest says of a request; undefined members were not given. */
export interface RequestInit {
  readonly body: ExtractedBody | null | undefined
  readonly cache: (typeof CACHES)[number] | undefined
  readonly credentials: (typeof CREDENTIALS)[number] | undefined
  readonly duplex: 'half' | undefined
  readonly headers: ReturnType<typeof toPairs> | undefined
  readonly integrity: string | undefined
  readonly keepalive: boolean | undefined
  readonly method: string | undefined
  readonly mode: Exclude<(typeof MODES)[number], 'navigate'> | undefined
  readonly redirect: (typeof REDIRECTS)[number] | undefined
  readonly referrer: string | undefined
  readonly referrerPolicy: (typeof REFERRER_POLICIES)[number] | undefined
  readonly signal: AbortSignal | null | undefined
  /** Whether anything at all was said. */
  readonly isEmpty: boolean
}

/** `RequestInit`, its members read once each, in the order of their names. */
export function toRequestInit(value: unknown): RequestInit {
  const init = toDictionary(value, 'the options of a request')
  let isEmpty = true
  const read = <Result>(name: string, convert: (given: unknown) => Result): Result | undefined => {
    const given = init[name]
    if (given === undefined) return undefined
    isEmpty = false
    return convert(given)
  }
  const members = {
    body: read('body', (given) => (given === null ? null : extractBody(given))),
    cache: read('cache', (given) => toEnumeration(given, CACHES, 'cache')),
    credentials: read('credentials', (given) => toEnumeration(given, CREDENTIALS, 'credentials')),
    duplex: read('duplex', (given) => toEnumeration(given, ['half'] as const, 'duplex')),
    headers: read('headers', toPairs),
    integrity: read('integrity', toDOMString),
    keepalive: read('keepalive', Boolean),
    method: read('method', toMethod),
    mode: read('mode', toMode),
    priority: read('priority', (given) => toEnumeration(given, PRIORITIES, 'priority')),
    redirect: read('redirect', (given) => toEnumeration(given, REDIRECTS, 'redirect')),
    referrer: read('referrer', toReferrer),
    referrerPolicy: read('referrerPolicy', (given) => toEnumeration(given, REFERRER_POLICIES, 'referrerPolicy')),
    signal: read('signal', toSignal),
    window: read('window', toWindow),
  }
  return { ...members, isEmpty }
}

function toMethod(given: unknown): string {
  const method = toByteString(given, 'the method')
  if (!isToken(method)) throw new TypeError(`${JSON.stringify(method.slice(0, 100))} is not a method`)
  if (isForbiddenMethod(method)) throw new TypeError(`a request cannot have the method ${method}`)
  const upper = method.toUpperCase()
  return NORMALIZED.has(upper) ? upper : method
}

function toMode(given: unknown): NonNullable<RequestInit['mode']> {
  const mode = toEnumeration(given, MODES, 'mode')
  if (mode === 'navigate') throw new TypeError('only a browser can navigate')
  return mode
}

/** Empty for none; otherwise a URL. */
function toReferrer(given: unknown): string {
  const text = toUSVString(given)
  return text === '' ? '' : parseUrl(text)
}

function toSignal(given: unknown): AbortSignal | null {
  if (given === null) return null
  const { isAbortSignal } = require('./abort-signal.ts') as typeof import('./abort-signal.ts')
  if (!isAbortSignal(given)) throw new TypeError('`signal` must be an AbortSignal')
  return given
}

function toWindow(given: unknown): void {
  if (given !== null) throw new TypeError('`window` can only be null')
}
