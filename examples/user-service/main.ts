import type { Context, ExportedHandler } from 'cloister/types'

/** What a client may send; each route checks no more than that it is there, for `auth` checks the rest. */
interface Body {
  readonly name?: string
  readonly password?: string
}

const STATUS: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  CONFLICT: 409,
  RATE_LIMITED: 429,
  CONCURRENCY_LIMITED: 503,
  OVERLOADED: 503,
  QUOTA_EXCEEDED: 503,
}
const COOKIE = 'session'

/** Users by `POST register`, `POST login`, `POST logout` and `GET me`. The session's token is in a cookie that scripts cannot read. */
export default {
  async fetch(request, context) {
    const route = `${request.method} ${new URL(request.url).pathname.split('/').at(-1)}`
    try {
      return await answer(route, request, context)
    } catch (error) {
      const { code = '', message } = error as Error & { code?: string }
      const status = STATUS[code]
      if (status === undefined) throw error
      return Response.json({ error: message }, { status })
    }
  },
} satisfies ExportedHandler

async function answer(route: string, request: Request, { auth }: Context): Promise<Response> {
  if (auth === undefined) return Response.json({ error: 'the policy does not grant auth' }, { status: 503 })
  const token = tokenOf(request)
  switch (route) {
    case 'POST register':
      return Response.json(await auth.signUp(await credentialsOf(request)), { status: 201 })
    case 'POST login': {
      const login = await auth.logIn(await credentialsOf(request), { ttlSeconds: 86_400 })
      if (login === null) return Response.json({ error: 'wrong name or password' }, { status: 401 })
      return Response.json(login.user, { headers: { 'set-cookie': cookie(login.token, 86_400) } })
    }
    case 'POST logout':
      if (token !== undefined) await auth.logOut(token)
      return new Response(null, { status: 204, headers: { 'set-cookie': cookie('', 0) } })
    case 'GET me': {
      const found = token === undefined ? null : await auth.session(token)
      return found === null ? Response.json({ error: 'not logged in' }, { status: 401 }) : Response.json(found.user)
    }
    default:
      return Response.json({ error: 'not found' }, { status: 404 })
  }
}

async function credentialsOf(request: Request): Promise<{ name: string; password: string }> {
  const { name = '', password = '' } = (await request.json().catch(() => ({}))) as Body
  return { name, password }
}

function tokenOf(request: Request): string | undefined {
  const cookies = request.headers.get('cookie')?.split('; ') ?? []
  return cookies.find((each) => each.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) || undefined
}

function cookie(token: string, seconds: number): string {
  return `${COOKIE}=${token}; Max-Age=${seconds}; Path=/; HttpOnly; Secure; SameSite=Lax`
}
