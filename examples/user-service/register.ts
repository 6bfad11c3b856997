import { answering, credentialsOf, granted } from './web.ts'

/** `POST {name, password}`: makes a user, and a profile beside it. */
export default answering('POST', async (request, context) => {
  const auth = granted(context.auth, 'auth')
  const profiles = granted(context.docs, 'docs').collection('profiles')
  const user = await auth.signUp(await credentialsOf(request))
  await profiles.insert({ name: user.name, logins: 0 }, { id: user.id })
  return Response.json(user, { status: 201 })
})
