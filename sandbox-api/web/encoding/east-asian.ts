import { callNative } from '../native.ts'
import { REPLACEMENT } from './decoder.ts'
import { type Automaton, END, FINISHED, MALFORMED, MORE } from './multi-byte.ts'

const indexes = new Map<string, string>()

/** The code point of a pointer in one of the standard's indexes; undefined if there is none. */
export function lookUp(name: string, pointer: number): number | undefined {
  let index = indexes.get(name)
  if (index === undefined) {
    index = callNative('encoding.index', name) as string
    indexes.set(name, index)
  }
  const unit = pointer < index.length ? index.charCodeAt(pointer) : REPLACEMENT
  return unit === REPLACEMENT ? undefined : unit
}

/** Encodings whose characters are a byte of ASCII, or a lead byte and one more. */
abstract class TwoByte implements Automaton {
  readonly again: number[] = []
  second?: number
  #lead = 0

  take(byte: number): number {
    const lead = this.#lead
    if (lead === 0) {
      if (byte === END) return FINISHED
      if (byte < 0x80) return byte
      const alone = this.alone(byte)
      if (alone === MORE) this.#lead = byte
      return alone
    }
    this.#lead = 0
    if (byte === END) return MALFORMED
    const found = this.pair(lead, byte)
    if (found !== undefined) return found
    if (byte < 0x80) this.again.push(byte)
    return MALFORMED
  }

  /** What a byte above ASCII is: {@link MORE} for a lead byte. */
  protected abstract alone(byte: number): number
  protected abstract pair(lead: number, byte: number): number | undefined
}

export class Big5 extends TwoByte {
  protected alone(byte: number): number {
    return byte >= 0x81 && byte <= 0xfe ? MORE : MALFORMED
  }

  protected pair(lead: number, byte: number): number | undefined {
    if (!((byte >= 0x40 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xfe))) return undefined
    const pointer = (lead - 0x81) * 157 + byte - (byte < 0x7f ? 0x40 : 0x62)
    // Four pointers are two code points each.
    const accented = { 1133: [0xca, 0x304], 1135: [0xca, 0x30c], 1164: [0xea, 0x304], 1166: [0xea, 0x30c] }[pointer]
    if (accented === undefined) return lookUp('big5', pointer)
    this.second = accented[1] as number
    return accented[0]
  }
}

export class ShiftJis extends TwoByte {
  protected alone(byte: number): number {
    if (byte === 0x80) return byte
    if (byte >= 0xa1 && byte <= 0xdf) return 0xff61 - 0xa1 + byte
    return (byte >= 0x81 && byte <= 0x9f) || (byte >= 0xe0 && byte <= 0xfc) ? MORE : MALFORMED
  }

  protected pair(lead: number, byte: number): number | undefined {
    if (!((byte >= 0x40 && byte <= 0x7e) || (byte >= 0x80 && byte <= 0xfc))) return undefined
    const pointer = (lead - (lead < 0xa0 ? 0x81 : 0xc1)) * 188 + byte - (byte < 0x7f ? 0x40 : 0x41)
    return pointer >= 8_836 && pointer <= 10_715 ? 0xe000 - 8_836 + pointer : lookUp('jis0208', pointer)
  }
}

export class EucKr extends TwoByte {
  protected alone(byte: number): number {
    return byte >= 0x81 && byte <= 0xfe ? MORE : MALFORMED
  }

  protected pair(lead: number, byte: number): number | undefined {
    if (byte < 0x41 || byte > 0xfe) return undefined
    return lookUp('euc-kr', (lead - 0x81) * 190 + byte - 0x41)
  }
}

export class EucJp implements Automaton {
  readonly again: number[] = []
  #three = false
  #lead = 0

  take(byte: number): number {
    const lead = this.#lead
    if (lead === 0) {
      if (byte === END) return FINISHED
      if (byte < 0x80) return byte
      if (byte !== 0x8e && byte !== 0x8f && !isHigh(byte)) return MALFORMED
      this.#lead = byte
      return MORE
    }
    this.#lead = 0
    if (byte === END) {
      this.#three = false
      return MALFORMED
    }
    if (lead === 0x8e && byte >= 0xa1 && byte <= 0xdf) return 0xff61 - 0xa1 + byte
    if (lead === 0x8f && isHigh(byte)) {
      this.#three = true
      this.#lead = byte
      return MORE
    }
    const index = this.#three ? 'jis0212' : 'jis0208'
    this.#three = false
    const found = isHigh(lead) && isHigh(byte) ? lookUp(index, (lead - 0xa1) * 94 + byte - 0xa1) : undefined
    if (found !== undefined) return found
    if (byte < 0x80) this.again.push(byte)
    return MALFORMED
  }
}

function isHigh(byte: number): boolean {
  return byte >= 0xa1 && byte <= 0xfe
}
