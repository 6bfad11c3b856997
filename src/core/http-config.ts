/** How a deployed function answers HTTP requests, as its configuration says. */

/** A token of somebody else's identity service (RFC 7519), checked with the keys that it publishes (RFC 7517). */
export interface JwtAuth {
  readonly jwksUrl: string
  readonly issuer: string
  readonly audience: string
}

/**
 * Who may call: anybody; whoever has a key of the tenant's; a user of the tenant's own `auth`, by a session's token or a JSON
 * Web Token; whoever has a token of another issuer.
 */
export type HttpAuth = 'public' | 'key' | 'users' | { readonly jwt: JwtAuth }

/** Requests of a route that pass: so many a second, so many at once; of each client, or of all together. */
export interface RouteRate {
  readonly perSecond: number
  readonly burst: number
  readonly per: 'client' | 'route'
}

export interface HttpRoute {
  /** `/pets/:id`, `/files/*path`. */
  readonly path: string
  /** All if absent. */
  readonly methods?: readonly string[] | undefined
  /** The function's if absent. */
  readonly auth?: HttpAuth | undefined
  readonly rate?: RouteRate | undefined
}

/** Which pages of other origins may read answers. The host itself answers their preflight requests. */
export interface Cors {
  readonly origins: readonly string[]
  readonly methods?: readonly string[] | undefined
  readonly headers?: readonly string[] | undefined
  readonly exposedHeaders?: readonly string[] | undefined
  readonly credentials?: boolean | undefined
  readonly maxAgeSeconds?: number | undefined
}

export interface HttpConfig {
  /** `public` if absent. */
  readonly auth?: HttpAuth | undefined
  /** The first that fits is taken; anything else is not found. All paths and methods if absent. */
  readonly routes?: readonly HttpRoute[] | undefined
  readonly cors?: Cors | undefined
}

/** Who a request is from, as it was proved. The guest sees it as `context.caller`. */
export type HttpCaller = Readonly<Record<string, unknown>>
