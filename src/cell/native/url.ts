import { NativeFault } from './fault.ts'
import { type Operations, text } from './operation.ts'

/** Longest text that is parsed: what a policy can grant a run as input is not longer. */
const LENGTH_MAX = 2 << 20
/** Longest pattern. */
const PATTERN_MAX = 64 << 10

const SETTERS = ['protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'] as const
type Setter = (typeof SETTERS)[number]

const COMPONENTS = ['protocol', 'username', 'password', 'hostname', 'port', 'pathname', 'search', 'hash'] as const

/** Takes every URL apart: what it gives of components that are given one by one is normalised. */
const anything = new URLPattern()

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

  /**
   * The components of a pattern, read and normalised, as JSON. Nothing is matched here but its scheme, with the six that are
   * special; the guest matches with regular expressions of its own.
   */
  'url.pattern': ([input, base, ignoreCase]) => {
    const options = { ignoreCase: ignoreCase === true }
    const given = JSON.parse(bounded(input, PATTERN_MAX)) as string | URLPatternInit
    try {
      const pattern =
        base === undefined ? new URLPattern(given, options) : new URLPattern(given, bounded(base, PATTERN_MAX), options)
      return JSON.stringify(Object.fromEntries(COMPONENTS.map((name) => [name, pattern[name]])))
    } catch {
      throw new NativeFault('TypeError', 'the pattern of a URL cannot be read')
    }
  },

  /** The components of a URL of which they are given one by one, as JSON; undefined if it is none. */
  'url.components': ([input]) => {
    const found = anything.exec(JSON.parse(bounded(input)) as URLPatternInit)
    if (found === null) return undefined
    return JSON.stringify(Object.fromEntries(COMPONENTS.map((name) => [name, found[name].input])))
  },
}

function bounded(value: unknown, max = LENGTH_MAX): string {
  const string = text(value)
  if (string.length > max) throw new NativeFault('RangeError', `more than ${max} characters`)
  return string
}
