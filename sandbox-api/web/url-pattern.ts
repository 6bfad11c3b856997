import { callNative } from './native.ts'
import { URL } from './url.ts'
import { type ComponentResult, PatternComponent } from './url-pattern-component.ts'
import { tokenize } from './url-pattern-parts.ts'
import { finishInterface, toDictionary, toUSVString } from './webidl.ts'

const COMPONENTS = ['protocol', 'username', 'password', 'hostname', 'port', 'pathname', 'search', 'hash'] as const
type ComponentName = (typeof COMPONENTS)[number]

/** Members of a URLPatternInit, in the order in which they are read. */
const MEMBERS = ['baseURL', 'hash', 'hostname', 'password', 'pathname', 'port', 'protocol', 'search', 'username']

const PLAIN = { delimiter: '', prefix: '' }
const IN_HOSTNAME = { delimiter: '.', prefix: '' }
const IN_PATHNAME = { delimiter: '/', prefix: '/' }

const SPECIAL_SCHEMES = ['http', 'https', 'ws', 'wss', 'ftp', 'file']

/** Longest expression for a scheme: it is tried on the schemes that are special while the cell reads the pattern. */
const SCHEME_EXPRESSION_MAX = 48

type Init = Record<string, string>
type Result = { inputs: unknown[] } & Record<ComponentName, ComponentResult>

/**
 * A pattern of URLs: URL Pattern, "URLPattern class". The cell's parser reads and normalises what is given; regular
 * expressions are made of its answer and matched here, so that one that takes forever is ended with the run's time.
 */
export class URLPattern {
  readonly #components: Readonly<Record<ComponentName, PatternComponent>>

  constructor(input: unknown = undefined, baseOrOptions: unknown = undefined, options: unknown = undefined) {
    const hasBase = arguments.length > 2 || !isDictionary(baseOrOptions)
    const given = inputOf(input)
    const base = hasBase ? toUSVString(baseOrOptions) : undefined
    const { ignoreCase } = toDictionary(hasBase ? options : baseOrOptions, 'the options of URLPattern')
    checkScheme(given)
    const flags = ignoreCase ? 'vi' : 'v'
    const json = callNative('url.pattern', JSON.stringify(given), base, Boolean(ignoreCase)) as string
    const patterns = JSON.parse(json) as Record<ComponentName, string>
    const plain = (name: ComponentName): PatternComponent => new PatternComponent(patterns[name], PLAIN, flags)
    const protocol = new PatternComponent(patterns.protocol, PLAIN, 'v')
    const isSpecial = SPECIAL_SCHEMES.some((scheme) => protocol.test(scheme))
    this.#components = {
      protocol,
      username: new PatternComponent(patterns.username, PLAIN, 'v'),
      password: new PatternComponent(patterns.password, PLAIN, 'v'),
      hostname: new PatternComponent(patterns.hostname, IN_HOSTNAME, 'v'),
      port: new PatternComponent(patterns.port, PLAIN, 'v'),
      pathname: isSpecial ? new PatternComponent(patterns.pathname, IN_PATHNAME, flags) : plain('pathname'),
      search: plain('search'),
      hash: plain('hash'),
    }
  }

  get protocol(): string {
    return this.#components.protocol.pattern
  }

  get username(): string {
    return this.#components.username.pattern
  }

  get password(): string {
    return this.#components.password.pattern
  }

  get hostname(): string {
    return this.#components.hostname.pattern
  }

  get port(): string {
    return this.#components.port.pattern
  }

  get pathname(): string {
    return this.#components.pathname.pattern
  }

  get search(): string {
    return this.#components.search.pattern
  }

  get hash(): string {
    return this.#components.hash.pattern
  }

  get hasRegExpGroups(): boolean {
    const components = this.#components
    return COMPONENTS.some((name) => components[name].hasRegExpGroups)
  }

  test(input: unknown = undefined, base: unknown = undefined): boolean {
    const components = this.#components
    const values = valuesOf(inputOf(input), base === undefined ? undefined : toUSVString(base))
    return values !== undefined && COMPONENTS.every((name) => components[name].test(values[name]))
  }

  exec(input: unknown = undefined, base: unknown = undefined): Result | null {
    const components = this.#components
    const given = inputOf(input)
    const baseText = base === undefined ? undefined : toUSVString(base)
    const values = valuesOf(given, baseText)
    if (values === undefined) return null
    const result: Record<string, unknown> = { inputs: baseText === undefined ? [given] : [given, baseText] }
    for (const name of COMPONENTS) {
      const found = components[name].match(values[name])
      if (found === undefined) return null
      result[name] = found
    }
    return result as Result
  }
}

finishInterface(URLPattern, 'URLPattern', ...COMPONENTS, 'hasRegExpGroups', 'test', 'exec')

function isDictionary(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'object' || typeof value === 'function'
}

/** `(USVString or URLPatternInit)`. */
function inputOf(input: unknown): string | Init {
  if (!isDictionary(input)) return toUSVString(input)
  const dictionary = toDictionary(input, 'the input of URLPattern')
  const init: Init = {}
  for (const member of MEMBERS) {
    const value = dictionary[member]
    if (value !== undefined) init[member] = toUSVString(value)
  }
  return init
}

/** The components of what is tried; undefined if it is no URL, which no pattern matches. */
function valuesOf(input: string | Init, base: string | undefined): Record<ComponentName, string> | undefined {
  if (typeof input === 'object') {
    if (base !== undefined) throw new TypeError('a base goes with a URL as text only')
    const json = callNative('url.components', JSON.stringify(input)) as string | undefined
    return json === undefined ? undefined : (JSON.parse(json) as Record<ComponentName, string>)
  }
  const url = URL.parse(input, base)
  if (url === null) return undefined
  const { protocol, username, password, hostname, port, pathname, search, hash } = url
  return {
    protocol: protocol.slice(0, -1),
    username,
    password,
    hostname,
    port,
    pathname,
    search: search.slice(1),
    hash: hash.slice(1),
  }
}

/**
 * The cell tries the scheme's expression on schemes of at most five letters. With so short an input only an expression that
 * is long, or counts, can take long.
 */
function checkScheme(input: string | Init): void {
  const tokens = tokenize(typeof input === 'string' ? input : (input['protocol'] ?? ''))
  const colon = tokens.findIndex(({ kind, value }) => kind !== 'regexp' && value === ':')
  if (typeof input === 'string' && colon < 0) return
  const scheme = colon < 0 ? tokens : tokens.slice(0, colon)
  const expressions = scheme.filter(({ kind }) => kind === 'regexp').map(({ value }) => value)
  if (expressions.join('').length > SCHEME_EXPRESSION_MAX || expressions.some((source) => source.includes('{'))) {
    throw new TypeError(`an expression for a scheme may have ${SCHEME_EXPRESSION_MAX} characters and no { }`)
  }
}
