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
  Crypto: () => (require('./crypto.ts') as typeof import('./crypto.ts')).Crypto,
  CryptoKey: () => (require('./subtle/crypto-key.ts') as typeof import('./subtle/crypto-key.ts')).CryptoKey,
  CustomEvent: () => (require('./custom-event.ts') as typeof import('./custom-event.ts')).CustomEvent,
  DOMException: () => (require('./dom-exception.ts') as typeof import('./dom-exception.ts')).DOMException,
  ErrorEvent: () => (require('./error-event.ts') as typeof import('./error-event.ts')).ErrorEvent,
  Event: () => (require('./event.ts') as typeof import('./event.ts')).Event,
  EventTarget: () => eventTarget(),
  MessageChannel: () => (require('./message-port.ts') as typeof import('./message-port.ts')).MessageChannel,
  MessageEvent: () => (require('./message-event.ts') as typeof import('./message-event.ts')).MessageEvent,
  MessagePort: () => (require('./message-port.ts') as typeof import('./message-port.ts')).MessagePort,
  Navigator: () => (require('./navigator.ts') as typeof import('./navigator.ts')).Navigator,
  Performance: () => (require('./performance.ts') as typeof import('./performance.ts')).Performance,
  PromiseRejectionEvent: () =>
    (require('./promise-rejection-event.ts') as typeof import('./promise-rejection-event.ts')).PromiseRejectionEvent,
  SubtleCrypto: () => (require('./subtle/subtle-crypto.ts') as typeof import('./subtle/subtle-crypto.ts')).SubtleCrypto,
  addEventListener: () => eventTarget().prototype.addEventListener,
  atob: () => (require('./base64.ts') as typeof import('./base64.ts')).atob,
  btoa: () => (require('./base64.ts') as typeof import('./base64.ts')).btoa,
  crypto: () => (require('./crypto.ts') as typeof import('./crypto.ts')).crypto,
  dispatchEvent: () => eventTarget().prototype.dispatchEvent,
  navigator: () => (require('./navigator.ts') as typeof import('./navigator.ts')).navigator,
  performance: () => (require('./performance.ts') as typeof import('./performance.ts')).performance,
  removeEventListener: () => eventTarget().prototype.removeEventListener,
  reportError: () => uncaught().reportError,
  structuredClone: () => (require('./structured-clone.ts') as typeof import('./structured-clone.ts')).structuredClone,
}

/** Opens the web's own API in a realm. Called once, by the runtime. */
export function open(host: WebHost): Web {
  setHost(host)
  const get = (name: string): unknown => (Object.hasOwn(MAKERS, name) ? MAKERS[name]?.() : undefined)
  setClasses(get)
  return {
    begin: beginRun,
    get,
    handler: (name) => (require('./handlers.ts') as typeof import('./handlers.ts')).handlerOf(name),
    finish: finishNative,
    fail: failNative,
    reportUncaught: (error) => uncaught().reportUncaught(error),
    reportRejection: (reason) => uncaught().reportRejection(reason),
  }
}

function eventTarget(): typeof import('./event-target.ts').EventTarget {
  return (require('./event-target.ts') as typeof import('./event-target.ts')).EventTarget
}

function uncaught(): typeof import('./uncaught.ts') {
  return require('./uncaught.ts') as typeof import('./uncaught.ts')
}
