/** What ECMA-429, the minimum common web API of ECMA's TC55 (WinterTC), asks of a runtime: 78 names, by where they come from. */
export const WEB_STANDARD: Readonly<Record<string, readonly string[]>> = {
  ECMAScript: ['globalThis'],
  DOM: ['AbortController', 'AbortSignal', 'Event', 'EventTarget'],
  HTML: [
    'CustomEvent',
    'ErrorEvent',
    'MessageChannel',
    'MessageEvent',
    'MessagePort',
    'PromiseRejectionEvent',
    'atob',
    'btoa',
    'clearTimeout',
    'clearInterval',
    'navigator.userAgent',
    'onerror',
    'onunhandledrejection',
    'onrejectionhandled',
    'queueMicrotask',
    'reportError',
    'self',
    'setTimeout',
    'setInterval',
    'structuredClone',
  ],
  'Web IDL': ['DOMException'],
  Fetch: ['Headers', 'Request', 'Response', 'fetch'],
  XMLHttpRequest: ['FormData'],
  'File API': ['Blob', 'File'],
  Compression: ['CompressionStream', 'DecompressionStream'],
  Streams: [
    'ByteLengthQueuingStrategy',
    'CountQueuingStrategy',
    'ReadableByteStreamController',
    'ReadableStream',
    'ReadableStreamBYOBReader',
    'ReadableStreamBYOBRequest',
    'ReadableStreamDefaultController',
    'ReadableStreamDefaultReader',
    'TransformStream',
    'TransformStreamDefaultController',
    'WritableStream',
    'WritableStreamDefaultController',
    'WritableStreamDefaultWriter',
  ],
  Encoding: ['TextDecoder', 'TextDecoderStream', 'TextEncoder', 'TextEncoderStream'],
  URL: ['URL', 'URLSearchParams', 'URLPattern'],
  'Web Cryptography': ['Crypto', 'CryptoKey', 'SubtleCrypto', 'crypto'],
  'High Resolution Time': ['Performance', 'performance'],
  Console: ['console'],
  WebAssembly: [
    'CompileError',
    'Exception',
    'Global',
    'Instance',
    'JSTag',
    'LinkError',
    'Memory',
    'Module',
    'RuntimeError',
    'Table',
    'Tag',
    'compile',
    'compileStreaming',
    'instantiate',
    'instantiateStreaming',
    'validate',
  ].map((name) => `WebAssembly.${name}`),
}

/**
 * A function of a guest's that is given names and returns those that are not there. A name counts if it is there by `in`
 * and is something: a handler that is not set is null.
 */
export const FIND_MISSING = `export default (names) => names.filter((name) => {
  let value = globalThis
  for (const part of name.split('.')) {
    if (Object(value) !== value || !(part in value)) return true
    value = value[part]
  }
  return value === undefined
})`
