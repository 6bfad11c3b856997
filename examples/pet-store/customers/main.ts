import { answering, granted } from '../web.ts'

/** `POST {name, password, isNew?}`: logs a customer in, after making one of a new name; answers with the session's token. */
export default answering(async (request, context) => {
  const auth = granted(context.auth, 'auth')
  const {
    name = '',
    password = '',
    isNew = false,
  } = (await request.json().catch(() => ({}))) as {
    name?: string
    password?: string
    isNew?: boolean
  }
  if (isNew) await auth.signUp({ name, password })
  const login = await auth.logIn({ name, password }, { ttlSeconds: 3_600 })
  if (login === null) return Response.json({ error: 'wrong name or password' }, { status: 401 })
  return Response.json({ name: login.user.name, token: login.token }, { headers: { 'cache-control': 'no-store' } })
})
