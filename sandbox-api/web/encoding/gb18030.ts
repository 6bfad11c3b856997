import { lookUp } from './east-asian.ts'
import { type Automaton, END, FINISHED, MALFORMED, MORE } from './multi-byte.ts'

/** GB 18030, and GBK, which the standard decodes as that. */
export class Gb18030 implements Automaton {
  readonly again: number[] = []
  #first = 0
  #second = 0
  #third = 0

  take(byte: number): number {
    if (byte === END) {
      const idle = this.#first === 0
      this.#reset()
      return idle ? FINISHED : MALFORMED
    }
    if (this.#third !== 0) return this.#fourth(byte)
    if (this.#second !== 0) {
      if (byte >= 0x81 && byte <= 0xfe) {
        this.#third = byte
        return MORE
      }
      this.again.push(byte, this.#second)
      this.#reset()
      return MALFORMED
    }
    if (this.#first !== 0) return this.#pair(byte)
    if (byte < 0x80) return byte
    if (byte === 0x80) return 0x20ac
    if (byte === 0xff) return MALFORMED
    this.#first = byte
    return MORE
  }

  #fourth(byte: number): number {
    const [first, second, third] = [this.#first, this.#second, this.#third]
    this.#reset()
    if (byte < 0x30 || byte > 0x39) {
      this.again.push(byte, third, second)
      return MALFORMED
    }
    const pointer = (((first - 0x81) * 10 + second - 0x30) * 126 + third - 0x81) * 10 + byte - 0x30
    if (pointer >= 189_000 && pointer <= 1_237_575) return 0x1_0000 + pointer - 189_000
    if (pointer === 7_457) return 0xe7c7
    return (pointer < 39_420 ? lookUp('gb18030-ranges', pointer) : undefined) ?? MALFORMED
  }

  #pair(byte: number): number {
    const lead = this.#first
    if (byte >= 0x30 && byte <= 0x39) {
      this.#second = byte
      return MORE
    }
    this.#reset()
    const within = (byte >= 0x40 && byte <= 0x7e) || (byte >= 0x80 && byte <= 0xfe)
    const found = within ? lookUp('gb18030', (lead - 0x81) * 190 + byte - (byte < 0x7f ? 0x40 : 0x41)) : undefined
    if (found !== undefined) return found
    if (byte < 0x80) this.again.push(byte)
    return MALFORMED
  }

  #reset(): void {
    this.#first = 0
    this.#second = 0
    this.#third = 0
  }
}
