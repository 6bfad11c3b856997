import { callNative } from '../native.ts'
import { type Decoder, type ErrorMode, REPLACEMENT, malformed, textOf } from './decoder.ts'

const tables = new Map<string, Uint16Array>()

/** Every encoding in which a byte is a character. */
export class SingleByteDecoder implements Decoder {
  readonly #mode: ErrorMode
  readonly #table: Uint16Array

  constructor(encoding: string, mode: ErrorMode) {
    this.#mode = mode
    this.#table = tableOf(encoding)
  }

  decode(bytes: Uint8Array): string {
    const units = new Uint16Array(bytes.length)
    for (let index = 0; index < units.length; index += 1) {
      const unit = this.#table[bytes[index] as number] as number
      if (unit === REPLACEMENT && this.#mode === 'fatal') throw malformed()
      units[index] = unit
    }
    return textOf(units)
  }
}

function tableOf(encoding: string): Uint16Array {
  const known = tables.get(encoding)
  if (known !== undefined) return known
  const table = new Uint16Array(256)
  const high = encoding === 'x-user-defined' ? undefined : (callNative('encoding.index', encoding) as string)
  for (let byte = 0; byte < 128; byte += 1) {
    table[byte] = byte
    table[byte + 128] = high === undefined ? 0xf780 + byte : high.charCodeAt(byte)
  }
  tables.set(encoding, table)
  return table
}
