import { setClasses } from './clone-registry.ts'
import { type Web, type WebHost, beginRun, setHost } from './host.ts'
import { failNative, finishNative } from './native.ts'

/**
 * The web's own API, one file an interface. A file is read when the guest first asks for something in it: `require` is
 * what the bundler makes that of, and nothing of Node's.
 */
const MAKERS: Readonly<Record<string, () => unknown>> = {
  AbortController: () => (require('./abort-controller.ts') as typeof import('./abort-controller.ts')).AbortController,
  AbortSignal: () => (require('./abort-signal.ts') as typeof import('./abort-signal.ts')).AbortSignal,
  Blob: () => (require('./blob.ts') as typeof import('./blob.ts')).Blob,
  ByteLengthQueuingStrategy: () => streams().ByteLengthQueuingStrategy,
  CompressionStream: () => compression().CompressionStream,
  CountQueuingStrategy: () => streams().CountQueuingStrategy,
  Crypto: () => (require('./crypto.ts') as typeof import('./crypto.ts')).Crypto,
  CryptoKey: () => (require('./subtle/crypto-key.ts') as typeof import('./subtle/crypto-key.ts')).CryptoKey,
  CustomEvent: () => (require('./custom-event.ts') as typeof import('./custom-event.ts')).CustomEvent,
  DecompressionStream: () => compression().DecompressionStream,
  DOMException: () => (require('./dom-exception.ts') as typeof import('./dom-exception.ts')).DOMException,
  ErrorEvent: () => (require('./error-event.ts') as typeof import('./error-event.ts')).ErrorEvent,
  Event: () => (require('./event.ts') as typeof import('./event.ts')).Event,
  EventTarget: () => eventTarget(),
  File: () => (require('./file.ts') as typeof import('./file.ts')).File,
  FormData: () => (require('./form-data.ts') as typeof import('./form-data.ts')).FormData,
  Headers: () => (require('./headers.ts') as typeof import('./headers.ts')).Headers,
  MessageChannel: () => (require('./message-port.ts') as typeof import('./message-port.ts')).MessageChannel,
  MessageEvent: () => (require('./message-event.ts') as typeof import('./message-event.ts')).MessageEvent,
  MessagePort: () => (require('./message-port.ts') as typeof import('./message-port.ts')).MessagePort,
  Navigator: () => (require('./navigator.ts') as typeof import('./navigator.ts')).Navigator,
  Performance: () => (require('./performance.ts') as typeof import('./performance.ts')).Performance,
  PromiseRejectionEvent: () =>
    (require('./promise-rejection-event.ts') as typeof import('./promise-rejection-event.ts')).PromiseRejectionEvent,
  ReadableByteStreamController: () => streams().ReadableByteStreamController,
  ReadableStream: () => streams().ReadableStream,
  ReadableStreamBYOBReader: () => streams().ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest: () => streams().ReadableStreamBYOBRequest,
  ReadableStreamDefaultController: () => streams().ReadableStreamDefaultController,
  ReadableStreamDefaultReader: () => streams().ReadableStreamDefaultReader,
  Request: () => (require('./request.ts') as typeof import('./request.ts')).Request,
  Response: () => (require('./response.ts') as typeof import('./response.ts')).Response,
  TextDecoder: () => (require('./text-decoder.ts') as typeof import('./text-decoder.ts')).TextDecoder,
  TextEncoder: () => (require('./text-encoder.ts') as typeof import('./text-encoder.ts')).TextEncoder,
  TextDecoderStream: () => textStreams().TextDecoderStream,
  TextEncoderStream: () => textStreams().TextEncoderStream,
  TransformStream: () => streams().TransformStream,
  TransformStreamDefaultController: () => streams().TransformStreamDefaultController,
  URL: () => (require('./url.ts') as typeof import('./url.ts')).URL,
  URLPattern: () => (require('./url-pattern.ts') as typeof import('./url-pattern.ts')).URLPattern,
  URLSearchParams: () => (require('./url-search-params.ts') as typeof import('./url-search-params.ts')).URLSearchParams,
  WritableStream: () => streams().WritableStream,
  WritableStreamDefaultController: () => streams().WritableStreamDefaultController,
  WritableStreamDefaultWriter: () => streams().WritableStreamDefaultWriter,
  SubtleCrypto: () => (require('./subtle/subtle-crypto.ts') as typeof import('./subtle/subtle-crypto.ts')).SubtleCrypto,
  addEventListener: () => eventTarget().prototype.addEventListener,
  atob: () => (require('./base64.ts') as typeof import('./base64.ts')).atob,
  btoa: () => (require('./base64.ts') as typeof import('./base64.ts')).btoa,
  crypto: () => (require('./crypto.ts') as typeof import('./crypto.ts')).crypto,
  dispatchEvent: () => eventTarget().prototype.dispatchEvent,
  fetch: () => (require('./fetch.ts') as typeof import('./fetch.ts')).fetch,
  navigator: () => (require('./navigator.ts') as typeof import('./navigator.ts')).navigator,
  performance: () => (require('./performance.ts') as typeof import('./performance.ts')).performance,
  removeEventListener: () => eventTarget().prototype.removeEventListener,
  reportError: () => uncaught().reportError,
  structuredClone: () => (require('./structured-clone.ts') as typeof import('./structured-clone.ts')).structuredClone,
}

const storedBlob = () => require('./stored-blob.ts') as typeof import('./stored-blob.ts')
const compression = () => require('./compression-streams.ts') as typeof import('./compression-streams.ts')
const textStreams = () => require('./text-streams.ts') as typeof import('./text-streams.ts')
const streams = () => require('./streams.ts') as typeof import('./streams.ts')

/** Opens the web's own API in a realm. Called once, by the runtime. */
export function open(host: WebHost): Web {
  setHost(host)
  const get = (name: string): unknown => (Object.hasOwn(MAKERS, name) ? MAKERS[name]?.() : undefined)
  setClasses(get)
  return {
    begin: beginRun,
    get,
    handler: (name) => (require('./handlers.ts') as typeof import('./handlers.ts')).handlerOf(name),
    handleFetch: (handle, input, answering) => handler().handleFetch(handle, input, answering),
    leave: () => handler().leave(),
    putBlob: (...args) => storedBlob().putBlob(...args),
    getBlob: (...args) => storedBlob().getBlob(...args),
    finish: finishNative,
    fail: failNative,
    reportUncaught: (error) => uncaught().reportUncaught(error),
    reportRejection: (reason) => uncaught().reportRejection(reason),
  }
}

function handler(): typeof import('./handler.ts') {
  return require('./handler.ts') as typeof import('./handler.ts')
}

function eventTarget(): typeof import('./event-target.ts').EventTarget {
  return (require('./event-target.ts') as typeof import('./event-target.ts')).EventTarget
}

function uncaught(): typeof import('./uncaught.ts') {
  return require('./uncaught.ts') as typeof import('./uncaught.ts')
}
