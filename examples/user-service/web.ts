import type { Context } from 'cloister/types'

const STATUS: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  CONFLICT: 409,
  RATE_LIMITED: 429,
  CONCURRENCY_LIMITED: 503,
  OVERLOADED: 503,
  QUOTA_EXCEEDED: 503,
}
const COOKIE = 'session'

/** What a function of this service does with a request. */
type Answer = (request: Request, context: Context) => Promise<Response>

/** Answers requests of one method, and turns refusals of capabilities into answers. Any other error ends the run as one. */
export function answering(method: string, answer: Answer) {
  return {
    async fetch(request: Request, context: Context): Promise<Response> {
      if (request.method !== method) {
        return Response.json({ error: `use ${method}` }, { status: 405, headers: { allow: method } })
      }
      try {
        return await answer(request, context)
      } catch (error) {
        const { code = '', message } = error as Error & { code?: string }
        const status = STATUS[code]
        if (status === undefined) throw error
        return Response.json({ error: message }, { status })
      }
    },
  }
}

/** What the policy grants, or an error that says what is missing. */
export function granted<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new Error(`the policy does not grant ${name}`)
  return value
}

/** Name and password of the body; that they are sound is for `auth` to check. */
export async function credentialsOf(request: Request): Promise<{ name: string; password: string }> {
  const { name = '', password = '' } = (await request.json().catch(() => ({}))) as { name?: string; password?: string }
  return { name, password }
}

export function tokenOf(request: Request): string | undefined {
  const cookies = request.headers.get('cookie')?.split('; ') ?? []
  return cookies.find((each) => each.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) || undefined
}

/** A cookie that scripts cannot read. */
export function cookie(token: string, seconds: number): string {
  return `${COOKIE}=${token}; Max-Age=${seconds}; Path=/; HttpOnly; Secure; SameSite=Lax`
}
