import { answering, cookie, credentialsOf, granted } from './web.ts'

const DAY_SECONDS = 86_400

/** `POST {name, password}`: begins a session, whose token is in a cookie, and answers with the profile. */
export default answering('POST', async (request, context) => {
  const auth = granted(context.auth, 'auth')
  const profiles = granted(context.docs, 'docs').collection('profiles')
  const login = await auth.logIn(await credentialsOf(request), { ttlSeconds: DAY_SECONDS })
  if (login === null) return Response.json({ error: 'wrong name or password' }, { status: 401 })
  const { id, name } = login.user
  const logins = Number((await profiles.get(id))?.data['logins'] ?? 0) + 1
  await profiles.replace(id, { name, logins, lastLogin: new Date().toISOString() }, { upsert: true })
  return Response.json({ id, name, logins }, { headers: { 'set-cookie': cookie(login.token, DAY_SECONDS) } })
})
