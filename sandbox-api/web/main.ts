import { type Web, type WebHost, setHost } from './host.ts'
import { failNative, finishNative } from './native.ts'
import { reportRejection, reportUncaught } from './uncaught.ts'

/**
 * The web's own API, one file an interface. A file is read when the guest first asks for something in it: `require` is
 * what the bundler makes that of, and nothing of Node's.
 */
const MAKERS: Readonly<Record<string, () => unknown>> = {
  DOMException: () => (require('./dom-exception.ts') as typeof import('./dom-exception.ts')).DOMException,
  TextDecoder: () => (require('./text-decoder.ts') as typeof import('./text-decoder.ts')).TextDecoder,
  TextEncoder: () => (require('./text-encoder.ts') as typeof import('./text-encoder.ts')).TextEncoder,
  URL: () => (require('./url.ts') as typeof import('./url.ts')).URL,
  URLPattern: () => (require('./url-pattern.ts') as typeof import('./url-pattern.ts')).URLPattern,
  URLSearchParams: () => (require('./url-search-params.ts') as typeof import('./url-search-params.ts')).URLSearchParams,
  atob: () => (require('./base64.ts') as typeof import('./base64.ts')).atob,
  btoa: () => (require('./base64.ts') as typeof import('./base64.ts')).btoa,
}

/** Opens the web's own API in a realm. Called once, by the runtime. */
export function open(host: WebHost): Web {
  setHost(host)
  return {
    get: (name) => MAKERS[name]?.(),
    handler: (name) => (require('./handlers.ts') as typeof import('./handlers.ts')).handlerOf(name),
    finish: finishNative,
    fail: failNative,
    reportUncaught,
    reportRejection,
  }
}
