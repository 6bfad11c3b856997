import { NativeFault } from './fault.ts'
import { type Operations, text } from './operation.ts'

/** Longest text that is parsed: what a policy can grant a run as input is not longer. */
const LENGTH_MAX = 2 << 20

const SETTERS = ['protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'] as const
type Setter = (typeof SETTERS)[number]

/** Node's own URL parser. A URL is its `href` here: where its components are can be read off that. */
export const URLS: Operations = {
  /** `href`, or undefined for what is no URL. */
  'url.parse': ([input, base]) => URL.parse(bounded(input), base === undefined ? undefined : bounded(base))?.href,

  /** The `href` after one component was set. */
  'url.set': ([href, name, value]) => {
    const url = URL.parse(bounded(href))
    if (url === null || !SETTERS.includes(name as Setter)) throw new NativeFault('TypeError', 'there is nothing to set')
    url[name as Setter] = bounded(value)
    return url.href
  },
}

function bounded(value: unknown): string {
  const string = text(value)
  if (string.length > LENGTH_MAX) throw new NativeFault('RangeError', `a URL of more than ${LENGTH_MAX} characters`)
  return string
}
