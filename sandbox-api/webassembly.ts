import { TypeErrorConstructor, apply, construct, defineProperty, getOwnPropertyDescriptor } from './primordials.ts'

type Constructor = new (...args: unknown[]) => object

interface Namespace {
  Module: Constructor & { customSections: (module: unknown, name: string) => unknown[] }
  Instance: Constructor
}

/** What a response is, as far as WebAssembly cares: a class of the web's own API, or what a guest makes like one. */
interface ResponseLike {
  readonly ok?: unknown
  readonly headers?: { get?: (name: string) => unknown }
  readonly arrayBuffer?: () => unknown
}

/**
 * Makes WebAssembly's promises settle. V8 compiles on threads of its own and posts the end to a queue that nobody empties
 * in an isolate of a cell, so here the synchronous constructors do the work, behind the same promises. Given the namespace as V8
 * made it.
 */
export function makeAsyncWork(namespace: object): void {
  const { Module, Instance } = namespace as Namespace
  const { customSections } = Module
  const isModule = (value: unknown): boolean => {
    try {
      apply(customSections, undefined, [value, ''])
      return true
    } catch {
      return false
    }
  }
  const build = (bytes: unknown, options: unknown): object => construct(Module, [bytes, options]) as object
  /** In a turn of its own: a module's start function runs after the caller's code, as everywhere. */
  const link = async (module: object, imports: unknown): Promise<object> => {
    await undefined
    return construct(Instance, [module, imports]) as object
  }
  const both = async (module: object, imports: unknown): Promise<object> => {
    const instance = await link(module, imports)
    return { module, instance }
  }
  const functions = {
    async compile(bytes: unknown, options?: unknown) {
      return build(bytes, options)
    },
    async instantiate(source: unknown, imports?: unknown, options?: unknown) {
      return isModule(source) ? await link(source as object, imports) : await both(build(source, options), imports)
    },
    async compileStreaming(source: unknown, options?: unknown) {
      return build(await bytesOf(source), options)
    },
    async instantiateStreaming(source: unknown, imports?: unknown, options?: unknown) {
      return await both(build(await bytesOf(source), options), imports)
    },
  }
  put(namespace, 'compile', functions.compile)
  put(namespace, 'instantiate', functions.instantiate)
  put(namespace, 'compileStreaming', functions.compileStreaming)
  put(namespace, 'instantiateStreaming', functions.instantiateStreaming)
}

function put(namespace: object, name: string, value: object): void {
  defineProperty(value, 'length', { __proto__: null, value: 1 } as PropertyDescriptor)
  const enumerable = getOwnPropertyDescriptor(namespace, 'validate')?.enumerable === true
  defineProperty(namespace, name, {
    __proto__: null,
    value,
    writable: true,
    configurable: true,
    enumerable,
  } as PropertyDescriptor)
}

/** The bytes of a response, or of a promise of one. Rejects with TypeError unless it is a good one of WebAssembly. */
async function bytesOf(source: unknown): Promise<unknown> {
  const response = (await source) as ResponseLike | null | undefined
  if (typeof response !== 'object' || response === null || typeof response.arrayBuffer !== 'function') {
    throw new TypeErrorConstructor('a Response, or a promise of one, is needed')
  }
  if (response.ok === false) throw new TypeErrorConstructor('the response is not ok')
  const type = response.headers?.get?.('content-type')
  if (typeof type !== 'string' || !isWasmType(type)) {
    throw new TypeErrorConstructor('the content type of the response is not application/wasm')
  }
  return await response.arrayBuffer()
}

const { toLowerCase, trim } = String.prototype

function isWasmType(type: string): boolean {
  return apply(toLowerCase, apply(trim, type, []), []) === 'application/wasm'
}
