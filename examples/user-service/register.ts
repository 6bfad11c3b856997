import type { Context } from 'cloister/types'
import { answering, credentialsOf, granted } from './web.ts'

/** `POST {name, password}`: makes a user, a profile beside it, and asks a mail service to greet them, if one is set up. */
export default answering('POST', async (request, context) => {
  const auth = granted(context.auth, 'auth')
  const profiles = granted(context.docs, 'docs').collection('profiles')
  const user = await auth.signUp(await credentialsOf(request))
  await profiles.insert({ name: user.name, logins: 0 }, { id: user.id })
  // The answer does not wait for it, and a mail that is not sent undoes nothing.
  context.waitUntil(greet(context, user.name))
  return Response.json(user, { status: 201 })
})

/** What is in the header is a placeholder: the host puts the key in its place, towards the host that the key is for. */
async function greet({ env, secrets }: Context, to: string): Promise<void> {
  const { MAIL_URL } = env
  if (MAIL_URL === undefined) return
  const key = await granted(secrets, 'secrets').ref('MAIL_KEY')
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const { ok, status } = await fetch(MAIL_URL, {
    method: 'POST',
    headers,
    body: JSON.stringify({ to, text: 'Welcome!' }),
  })
  if (!ok) throw new Error(`the mail service answers ${status}`)
}
