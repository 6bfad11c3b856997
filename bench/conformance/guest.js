/* The half of the runner that is evaluated inside each peer, the same text in all of them. Plain JavaScript of global scope. */

/**
 * Runs one file of the web-platform-tests and gives its result as JSON. `evaluate` turns text into code of the global scope,
 * as a classic script of a page would be; `plan` is a Plan of program.ts.
 */
// oxlint-disable-next-line no-unused-vars -- program.ts calls it
async function runConformanceTest(plan, evaluate) {
  const { promise, resolve } = Promise.withResolvers()
  const later = globalThis.setTimeout
  prepareGlobals(plan)
  hideScopes(() => evaluate(plan.harness))
  for (const script of plan.libraries) evaluate(script)
  globalThis.add_completion_callback((tests, harness) => resolve(resultOf(tests, harness)))
  later(() => globalThis.timeout(), plan.timeoutMs)
  try {
    evaluate(plan.script)
  } catch (error) {
    resolve(resultOf([], { status: 1, message: String(error?.message ?? error) }))
  }
  // Nothing on the way out can then read the names of subtests in another encoding.
  return JSON.stringify(await promise).replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function prepareGlobals({ search, path, texts, needs }) {
  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
  define('GLOBAL', { isWindow: () => false, isWorker: () => false, isShadowRealm: () => false })
  if (typeof globalThis.self === 'undefined') define('self', globalThis)
  if (needs.location) {
    const origin = 'https://web-platform.test'
    define('location', {
      search,
      origin,
      pathname: path,
      href: `${origin}${path}${search}`,
      protocol: 'https:',
      hash: '',
    })
  }
  // The idlharness asks what kind of global object this is. None has a name for one that is neither a window nor a worker.
  if (needs.window && !('Window' in globalThis)) define('Window', Object)
  if (needs.fileReader && !('FileReader' in globalThis)) define('FileReader', BlobReader)
  answerFetch(texts)
  // An error that nobody caught is the test's to report; it shall not take the other results along.
  for (const type of ['error', 'unhandledrejection']) {
    globalThis.addEventListener?.(type, (event) => event.preventDefault())
  }
}

/** Tests of Blob look into it by a FileReader, which the minimum common web API leaves out. */
class BlobReader {
  readAsText(blob) {
    this.#answer(blob.text())
  }
  readAsArrayBuffer(blob) {
    this.#answer(blob.arrayBuffer())
  }
  #answer(promise) {
    promise.then(
      (result) => {
        this.result = result
        this.onload?.({ target: this })
      },
      () => this.onerror?.({ target: this }),
    )
  }
}

/** The harness waits for a page's or a worker's events where it believes to be in one, instead of for the tests alone. */
function hideScopes(action) {
  const names = ['WorkerGlobalScope', 'ServiceWorkerGlobalScope', 'DedicatedWorkerGlobalScope', 'document']
  const hidden = names.flatMap((name) => {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, name)
    return descriptor?.configurable && delete globalThis[name] ? [[name, descriptor]] : []
  })
  action()
  for (const [name, descriptor] of hidden) Object.defineProperty(globalThis, name, descriptor)
}

/** Files of the test tree come from the runner; whatever else is fetched goes the peer's own way. */
function answerFetch(texts) {
  if (Object.keys(texts).length === 0) return
  const own = globalThis.fetch
  globalThis.fetch = async (resource, options) => {
    if (typeof resource !== 'string' || !Object.hasOwn(texts, resource)) return own(resource, options)
    const text = texts[resource]
    return { ok: true, status: 200, text: async () => text, json: async () => JSON.parse(text) }
  }
}

function resultOf(tests, harness) {
  const shorten = (message) => (message === null || message === undefined ? undefined : String(message).slice(0, 400))
  return {
    harness: { status: harness.status, message: shorten(harness.message) },
    subtests: tests.map(({ name, status, message }) => ({
      name: String(name).toWellFormed(),
      status,
      message: status === 0 ? undefined : shorten(message),
    })),
  }
}
