/**
 * What of the web's own API (ECMA-429, the WinterTC minimum common web API) is made by web/main.ts when a guest first asks
 * for it. The rest of that list is made with the realm: `console`, `self`, `queueMicrotask`, the timers and what is the
 * language's own.
 */

/** Classes and namespaces: not enumerable. */
export const WEB_CLASSES = [
  'AbortController',
  'AbortSignal',
  'Blob',
  'ByteLengthQueuingStrategy',
  'CompressionStream',
  'CountQueuingStrategy',
  'Crypto',
  'CryptoKey',
  'CustomEvent',
  'DecompressionStream',
  'DOMException',
  'ErrorEvent',
  'Event',
  'EventTarget',
  'File',
  'FormData',
  'Headers',
  'MessageChannel',
  'MessageEvent',
  'MessagePort',
  'Navigator',
  'Performance',
  'PromiseRejectionEvent',
  'ReadableByteStreamController',
  'ReadableStream',
  'ReadableStreamBYOBReader',
  'ReadableStreamBYOBRequest',
  'ReadableStreamDefaultController',
  'ReadableStreamDefaultReader',
  'Request',
  'Response',
  'SubtleCrypto',
  'TextDecoder',
  'TextDecoderStream',
  'TextEncoder',
  'TextEncoderStream',
  'TransformStream',
  'TransformStreamDefaultController',
  'URL',
  'URLPattern',
  'URLSearchParams',
  'WritableStream',
  'WritableStreamDefaultController',
  'WritableStreamDefaultWriter',
] as const

/** Functions and objects: enumerable. */
export const WEB_VALUES = [
  'addEventListener',
  'atob',
  'btoa',
  'crypto',
  'dispatchEvent',
  'fetch',
  'navigator',
  'performance',
  'removeEventListener',
  'reportError',
  'structuredClone',
] as const

/** Event handlers of the global object. Each is `null` until the guest sets it to a function. */
export const WEB_HANDLERS = ['onerror', 'onunhandledrejection', 'onrejectionhandled'] as const

export type WebName = (typeof WEB_CLASSES)[number] | (typeof WEB_VALUES)[number]
