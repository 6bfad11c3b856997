/** What no peer is asked: by the file's path or by what its text uses. The first that fits is the reason that is shown. */
const REASONS: readonly { readonly why: string; readonly path?: RegExp; readonly text?: RegExp }[] = [
  { why: 'tests what is only proposed', path: /\.tentative\./ },
  { why: 'is of pages without TLS', path: /^WebCryptoAPI\/historical/ },
  { why: 'is of a shadow realm', path: /shadowrealm/ },
  {
    why: 'needs a page',
    path: /\.window\.js$/,
    text: /\b(?:document|iframe|HTMLElement|open\(|window\.|fetch_tests_from_worker|postMessage|createElement|Worker)\b/,
  },
  { why: 'needs the server of the test suite', path: /send-file-formdata/ },
  { why: 'needs the server of the test suite', path: /^wasm\/webapi\//, text: /\bfetch\(/ },
  { why: 'needs an interface description that few trees have', text: /idl_test\(\s*\[["']wasm-/ },
  { why: 'needs XMLHttpRequest', path: /\/replacement-encodings/ },
  { why: 'needs XMLHttpRequest', text: /\bXMLHttpRequest\b/ },
  { why: 'needs FileReader', text: /\bFileReader\b/ },
  { why: 'needs Worker', text: /\bnew Worker\(/ },
]

export function reasonToSkip(file: string, text: string): string | undefined {
  return REASONS.find(({ path, text: used }) => (path?.test(file) ?? true) && (used?.test(text) ?? true))?.why
}
