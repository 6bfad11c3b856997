import { DOMException } from '../dom-exception.ts'
import { callNative, startNative } from '../native.ts'
import type { NativeValue } from '../../bridge.ts'
import { type CryptoKey, makeKey } from './crypto-key.ts'
import type { Algorithm } from './normalize.ts'
import type { AlgorithmText, KeyText, PlaceOfBytes, RequestText } from './request.ts'

const { stringify, parse } = JSON

/** Bytes that go to the cell beside a request. */
export class Cargo {
  readonly #bytes: Uint8Array[] = []

  get bytes(): readonly Uint8Array[] {
    return this.#bytes
  }

  add(bytes: Uint8Array): PlaceOfBytes {
    this.#bytes.push(bytes)
    return { at: this.#bytes.length - 1 }
  }

  algorithm(algorithm: Algorithm): AlgorithmText {
    const text: Record<string, string | number | PlaceOfBytes> = {}
    for (const [parameter, value] of Object.entries(algorithm)) {
      text[parameter] = typeof value === 'object' ? this.add(value) : value
    }
    return text as unknown as AlgorithmText
  }
}

/** Half of what a run may have under way of all native work. The rest waits here for its turn, where no bound is needed. */
const UNDER_WAY_MAX = 128

let underWay = 0
const waiting: (() => void)[] = []

/** Has the cell do an operation of SubtleCrypto on its thread pool. */
export async function work(operation: string, request: RequestText, cargo: Cargo): Promise<NativeValue> {
  if (underWay >= UNDER_WAY_MAX) await new Promise<void>((resolve) => waiting.push(resolve))
  else underWay += 1
  try {
    return await startNative(`crypto.${operation}`, stringify(request), ...cargo.bytes)
  } catch (error) {
    throw asOfTheWeb(error)
  } finally {
    // A turn is handed on, not given back, when somebody waits for it.
    const next = waiting.shift()
    if (next === undefined) underWay -= 1
    else next()
  }
}

/** Has it done at once. */
export function workNow(operation: string, ...args: readonly NativeValue[]): NativeValue {
  try {
    return callNative(`crypto.${operation}`, ...args)
  } catch (error) {
    throw asOfTheWeb(error)
  }
}

/** The web has a SyntaxError of its own beside the language's. */
function asOfTheWeb(error: unknown): unknown {
  return error instanceof SyntaxError ? new DOMException(error.message, 'SyntaxError') : error
}

/** The bytes of an answer, which nothing else has. */
export function bufferOf(answer: NativeValue): ArrayBuffer {
  return (answer as Uint8Array<ArrayBuffer>).buffer
}

/** Keys as the cell tells of them: the length of a text, the text, the sealed keys. */
export function keysOf(answer: NativeValue): CryptoKey[] {
  const bytes = answer as Uint8Array
  const start = 4 + new DataView(bytes.buffer).getUint32(0)
  let end = start
  const texts = parse(decode(bytes.subarray(4, start))) as KeyText[]
  return texts.map((text) => {
    end += text.sealedBytes
    return makeKey(text, bytes.slice(end - text.sealedBytes, end))
  })
}

/** The text has characters of ASCII only. */
function decode(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index += 1) text += String.fromCharCode(bytes[index] as number)
  return text
}
