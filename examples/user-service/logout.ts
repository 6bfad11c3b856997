import { answering, cookie, granted, tokenOf } from './web.ts'

/** `POST` with the cookie: ends the session. 401 if there was none. */
export default answering('POST', async (request, context) => {
  const token = tokenOf(request)
  const ended = token !== undefined && (await granted(context.auth, 'auth').logOut(token))
  return new Response(null, { status: ended ? 204 : 401, headers: { 'set-cookie': cookie('', 0) } })
})
