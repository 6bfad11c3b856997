import {
  base64Of,
  defineProperty,
  getOwnPropertyDescriptor,
  isUint8Array,
  preventExtensions,
  table,
} from './primordials.ts'

/** What the host says of the function's bindings: values of inputs, names of outputs. */
export interface BoundText {
  readonly in: { readonly [name: string]: unknown }
  readonly out: readonly string[]
}

/**
 * `context.bound`: inputs to be read, outputs to be given a value. Nothing else can be added to it, so that a name that is
 * misspelt fails where it is written.
 */
export function createBound(given: BoundText) {
  const bound = table<unknown>()
  for (const name in given.in) {
    defineProperty(bound, name, { __proto__: null, value: given.in[name], enumerable: true } as PropertyDescriptor)
  }
  for (let index = 0; index < given.out.length; index += 1) {
    const rights = { __proto__: null, value: undefined, writable: true, enumerable: true }
    defineProperty(bound, given.out[index] ?? '', rights as PropertyDescriptor)
  }
  preventExtensions(bound)
  return {
    bound,
    /** Outputs that were given a value, as the host takes them; undefined if there are none. */
    collect(): readonly object[] | undefined {
      const outputs: object[] = []
      for (let index = 0; index < given.out.length; index += 1) {
        const name = given.out[index] ?? ''
        const value: unknown = getOwnPropertyDescriptor(bound, name)?.value
        if (value === undefined) continue
        const place = outputs.length
        const staged = { __proto__: null, name, ...encode(value) }
        defineProperty(outputs, place, { __proto__: null, value: staged, enumerable: true } as PropertyDescriptor)
      }
      return outputs.length === 0 ? undefined : outputs
    },
  }
}

function encode(value: unknown): { readonly kind: string; readonly value: unknown } {
  if (typeof value === 'string') return { kind: 'text', value }
  return isUint8Array(value) ? { kind: 'base64', value: base64Of(value) } : { kind: 'json', value }
}
