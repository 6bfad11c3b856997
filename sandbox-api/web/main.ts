import { type Web, type WebHost, setHost } from './host.ts'
import { failNative, finishNative } from './native.ts'
import { reportRejection, reportUncaught } from './uncaught.ts'

/**
 * The web's own API, one file an interface. A file is read when the guest first asks for something in it: `require` is
 * what the bundler makes that of, and nothing of Node's.
 */
const MAKERS: Readonly<Record<string, () => unknown>> = {
  DOMException: () => (require('./dom-exception.ts') as typeof import('./dom-exception.ts')).DOMException,
  atob: () => (require('./base64.ts') as typeof import('./base64.ts')).atob,
  btoa: () => (require('./base64.ts') as typeof import('./base64.ts')).btoa,
  ByteLengthQueuingStrategy: () => streams().ByteLengthQueuingStrategy,
  CountQueuingStrategy: () => streams().CountQueuingStrategy,
  ReadableByteStreamController: () => streams().ReadableByteStreamController,
  ReadableStream: () => streams().ReadableStream,
  ReadableStreamBYOBReader: () => streams().ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest: () => streams().ReadableStreamBYOBRequest,
  ReadableStreamDefaultController: () => streams().ReadableStreamDefaultController,
  ReadableStreamDefaultReader: () => streams().ReadableStreamDefaultReader,
  TransformStream: () => streams().TransformStream,
  TransformStreamDefaultController: () => streams().TransformStreamDefaultController,
  WritableStream: () => streams().WritableStream,
  WritableStreamDefaultController: () => streams().WritableStreamDefaultController,
  WritableStreamDefaultWriter: () => streams().WritableStreamDefaultWriter,
}

const streams = () => require('./streams.ts') as typeof import('./streams.ts')

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
