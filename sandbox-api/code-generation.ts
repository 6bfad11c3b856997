import { EvalErrorConstructor, defineHidden, defineProperty, fix, getPrototypeOf } from './primordials.ts'

/**
 * Takes away every way to make code of text: `eval` and the constructors of the four kinds of functions throw an EvalError
 * instead. Comes before any guest code. It is done here because isolated-vm overrides V8's own switch for it.
 *
 * Invariant: the native constructors are out of reach afterwards. Each was named by its global and by the `constructor` of
 * the prototype that all functions of its kind share, and by nothing else.
 */
export function forbidCodeGeneration(global: object): void {
  const evaluate = { eval: (_source: unknown) => refuse() }.eval
  defineHidden(global, 'eval', evaluate)
  const own = createRefusing('Function', Function.prototype)
  defineHidden(global, 'Function', own)
  defineHidden(Function.prototype, 'constructor', own)
  replaceConstructor('AsyncFunction', async () => {}, own)
  replaceConstructor('GeneratorFunction', function* () {}, own)
  replaceConstructor('AsyncGeneratorFunction', async function* () {}, own)
}

/** Replaces the constructor of a kind of functions that has no global. Its prototype is the constructor of all functions. */
function replaceConstructor(name: string, sample: object, parent: object): void {
  const prototype = getPrototypeOf(sample) as object
  const own = createRefusing(name, prototype)
  Object.setPrototypeOf(own, parent)
  // Not writable, as the native one.
  defineProperty(prototype, 'constructor', { value: own, writable: false, configurable: true, enumerable: false })
}

/** A constructor for `instanceof` and for `extends`, and nothing else. */
function createRefusing(name: string, prototype: object): object {
  const own = function (_source: unknown): never {
    return refuse()
  }
  fix(own, 'name', name)
  fix(own, 'prototype', prototype)
  return own
}

function refuse(): never {
  throw new EvalErrorConstructor('text cannot be turned into code here: engine.eval of the policy is false')
}
