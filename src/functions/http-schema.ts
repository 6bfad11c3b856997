import { z } from 'zod'
import type { HttpConfig } from '../core/http-config.ts'

const ROUTES_MAX = 64
const SEGMENT = /^(?:[A-Za-z0-9._~!$&'()+,;=@%-]+|:[A-Za-z][A-Za-z0-9_]{0,62})$/
const REST = /^\*(?:[A-Za-z][A-Za-z0-9_]{0,62})?$/
const METHOD = /^[A-Z][A-Z-]{0,19}$/
const HEADER = /^[!#$%&'+.^_`|~0-9A-Za-z-]{1,100}$/
const ORIGIN = /^(?:\*|https?:\/\/(?:[a-z0-9.-]{1,253}|\[[0-9a-f:]+\])(?::\d{1,5})?)$/

const methods = z.array(z.string().regex(METHOD, 'must be a method in capitals, as GET')).min(1).max(20)
const headers = z.array(z.string().regex(HEADER, 'must be the name of a header')).max(50)

const jwt = z.strictObject({
  jwksUrl: z
    .string()
    .max(2_000)
    .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'must be a URL of http or https')
    .describe(
      'Where the issuer publishes its keys. Fetched by the host as `fetch` of the function would, and remembered.',
    ),
  issuer: z.string().min(1).max(500).describe('What `iss` must be.'),
  audience: z.string().min(1).max(500).describe('What `aud` must be or hold.'),
})

const auth = z
  .union([z.enum(['public', 'key', 'users']), z.strictObject({ jwt })], 'must be "public", "key", "users" or {jwt}')
  .describe(
    'Who may call: anybody (`public`, the default), whoever has a key of the tenant’s (`key`), a user of `context.auth` (`users`), or who has a token of another issuer (`jwt`).',
  )

const rate = z
  .strictObject({
    perSecond: z.number().min(0.001, 'must be at least 0.001').max(100_000),
    burst: z.number().int().min(1).max(100_000).optional(),
    per: z.enum(['client', 'route']).default('route').describe('Of each client’s address, or of all together.'),
  })
  .transform(({ perSecond, burst, per }) => ({ perSecond, burst: burst ?? Math.max(1, Math.ceil(perSecond)), per }))

const route = z.strictObject({
  path: z
    .string()
    .max(500)
    .superRefine((path, context) => {
      const fault = pathFault(path)
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
    }),
  methods: methods.optional().describe('All if absent. HEAD goes where GET goes.'),
  auth: auth.optional(),
  rate: rate.optional().describe('Requests that pass, before it is known who asks.'),
})

const cors = z
  .strictObject({
    origins: z.array(z.string().regex(ORIGIN, 'must be an origin, as https://example.com, or *')).min(1).max(50),
    methods: methods.optional().describe('GET, HEAD, POST, PUT, PATCH and DELETE if absent.'),
    headers: headers.optional().describe('Those that a page asks for if absent.'),
    exposedHeaders: headers.optional(),
    credentials: z.boolean().optional().describe('Whether cookies come along. Not with "*".'),
    maxAgeSeconds: z.number().int().min(0).max(86_400).optional(),
  })
  .refine(
    ({ origins, credentials }) => credentials !== true || !origins.includes('*'),
    'takes credentials or the origin "*", not both: any page could act for its visitors',
  )

/** What a function's configuration may say of HTTP. */
export const httpSchema: z.ZodType<HttpConfig> = z.strictObject({
  auth: auth.optional(),
  routes: z
    .array(route)
    .min(1)
    .max(ROUTES_MAX)
    .optional()
    .describe('Paths and methods; the first that fits is taken. All if absent.'),
  cors: cors
    .optional()
    .describe('Which pages of other origins may read answers; the host answers their preflight requests.'),
})

function pathFault(path: string): string | undefined {
  if (path === '/') return undefined
  if (!path.startsWith('/')) return 'must start with a slash'
  const segments = path.slice(1).split('/')
  for (const [index, segment] of segments.entries()) {
    if (SEGMENT.test(segment) || (index === segments.length - 1 && REST.test(segment))) continue
    return `has the segment ${JSON.stringify(segment.slice(0, 80))}: write text, :name, or *name at the end`
  }
  const names = segments.filter((segment) => /^[:*]/.test(segment))
  return new Set(names.map((name) => name.slice(1))).size < names.length ? 'has a parameter twice' : undefined
}
