const LENGTH_MAX = 2_048

/** What is wrong with the address of a webhook; undefined if nothing is. `reach`: plain HTTP is for networks of one's own. */
export function urlFault(text: string, reach: 'public' | 'any'): string | undefined {
  if (text.length > LENGTH_MAX) return `has ${text.length} characters; at most ${LENGTH_MAX} are allowed`
  if (!URL.canParse(text)) return 'is not a URL'
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return 'must not hold a name or a password'
  if (url.hash !== '') return 'must not have a fragment'
  if (url.protocol === 'https:' || (url.protocol === 'http:' && reach === 'any')) return undefined
  return 'must begin with https://'
}
