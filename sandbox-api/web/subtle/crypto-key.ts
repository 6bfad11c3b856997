import { registerClone } from '../clone-registry.ts'
import { finishInterface } from '../webidl.ts'
import type { KeyText } from './request.ts'

/** What makes the constructor work. Nothing of the guest's can have it. */
const OURS = Symbol('ours')

/**
 * A key: Web Cryptography, "CryptoKey". Its material is a sealed text that only the cell can open, and only for this realm,
 * so no code in the realm can read a key that is not extractable.
 */
export class CryptoKey {
  readonly #text: KeyText
  readonly #sealed: Uint8Array
  #algorithm: object | undefined
  #usages: string[] | undefined

  constructor(token?: unknown, text?: KeyText, sealed?: Uint8Array) {
    if (token !== OURS || text === undefined || sealed === undefined) throw new TypeError('Illegal constructor')
    this.#text = text
    this.#sealed = sealed
  }

  get type(): string {
    return this.#text.type
  }

  get extractable(): boolean {
    return this.#text.extractable
  }

  get algorithm(): object {
    this.#algorithm ??= describe(this.#text)
    return this.#algorithm
  }

  get usages(): string[] {
    this.#usages ??= [...this.#text.usages]
    return this.#usages
  }

  /** The parts of a key. Throws TypeError for anything else. */
  static read(value: unknown): { readonly text: KeyText; readonly sealed: Uint8Array } {
    if (typeof value !== 'object' || value === null || !(#text in value)) throw new TypeError('it must be a CryptoKey')
    return { text: value.#text, sealed: value.#sealed }
  }
}

const { read } = CryptoKey
// The guest's class has no static member.
Reflect.deleteProperty(CryptoKey, 'read')
Object.defineProperty(CryptoKey, 'length', { value: 0 })
finishInterface(CryptoKey, 'CryptoKey')
registerClone(CryptoKey, (key: CryptoKey) => {
  const { text, sealed } = read(key)
  return () => makeKey(text, sealed)
})

export const readKey: typeof CryptoKey.read = read

export function makeKey(text: KeyText, sealed: Uint8Array): CryptoKey {
  return new CryptoKey(OURS, text, sealed)
}

function describe({ algorithm }: KeyText): object {
  const { publicExponent, ...rest } = algorithm
  return publicExponent === undefined ? rest : { ...rest, publicExponent: new Uint8Array(publicExponent) }
}
