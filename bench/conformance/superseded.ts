/** A subtest whose expectation the standard has changed since the tests of most trees were written. */
interface Superseded {
  readonly file: RegExp
  readonly name: RegExp
  readonly why: string
}

/** Any ASCII text with a label that starts with `xn--`. */
const ASCII_WITH_ACE_LABEL = /^(?=.*xn--)[\x20-\x7e]*$/i

const SUPERSEDED: readonly Superseded[] = [
  {
    file: /^url\//,
    name: ASCII_WITH_ACE_LABEL,
    why: 'is of a domain in ASCII with a label that starts with `xn--`, which the URL Standard since June 2026 takes as it stands (whatwg/url a8d5ca3716, web-platform-tests b63305b743), and Node since 26.7',
  },
]

/** Why a subtest says nothing about the standard of today; undefined if it does. */
export function supersededBy(file: string, name: string): string | undefined {
  return SUPERSEDED.find((rule) => rule.file.test(file) && rule.name.test(name))?.why
}
