const { getOwnPropertyDescriptor } = Object
const CLASSES: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

/** Reads an error for a clone: its name if it is one of the language's, message, stack and cause. */
export function readError(
  error: Error,
  serialize: (value: unknown) => unknown,
  deserialize: (serialized: unknown) => unknown,
): { create: () => object; fill: (made: object) => void } {
  const name = String(error.name)
  const message = own(error, 'message')
  const stack = own(error, 'stack')
  const cause = own(error, 'cause')
  const texts = {
    message: message === undefined ? undefined : String(message.value),
    stack: typeof stack?.value === 'string' ? stack.value : undefined,
  }
  const held = cause === undefined ? undefined : { cause: serialize(cause.value) }
  return {
    create() {
      const made = new ((Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined) ?? Error)()
      for (const [key, value] of Object.entries(texts)) if (value !== undefined) define(made, key, value)
      return made
    },
    fill(made) {
      if (held !== undefined) define(made, 'cause', deserialize(held.cause))
    },
  }
}

function own(error: Error, name: string): { readonly value: unknown } | undefined {
  const descriptor = getOwnPropertyDescriptor(error, name)
  if (descriptor === undefined) return undefined
  if ('value' in descriptor) return { value: descriptor.value }
  // V8 has made the stack an accessor of each error.
  return name === 'stack' ? { value: error.stack } : undefined
}

function define(made: object, key: string, value: unknown): void {
  Object.defineProperty(made, key, { value, writable: true, configurable: true, enumerable: false })
}
