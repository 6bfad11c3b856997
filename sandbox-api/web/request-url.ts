import { callNative } from './native.ts'

/** A URL as it is written in full. Throws TypeError for what is none; there is no page that one could be relative to. */
export function parseUrl(text: string): string {
  const href = callNative('url.parse', text)
  if (typeof href !== 'string') throw new TypeError(`${JSON.stringify(text.slice(0, 200))} is not a URL in full`)
  return href
}

/** Whether a URL, as it is written in full, has a user or a password in it. */
export function hasCredentials(href: string): boolean {
  const authority = /^[^:/?#]*:\/\/([^/?#]*)/.exec(href)?.[1]
  return authority?.includes('@') === true
}

/** A URL without its fragment. */
export function withoutFragment(href: string): string {
  const hash = href.indexOf('#')
  return hash < 0 ? href : href.slice(0, hash)
}
