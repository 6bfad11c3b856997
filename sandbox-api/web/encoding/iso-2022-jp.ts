import { lookUp } from './east-asian.ts'
import { type Automaton, END, FINISHED, MALFORMED, MORE } from './multi-byte.ts'

const ESCAPE = 0x1b

type CodeSet = 'ascii' | 'roman' | 'katakana' | 'kanji'

/** ISO-2022-JP: escape sequences choose what the bytes after them mean. */
export class Iso2022Jp implements Automaton {
  readonly again: number[] = []
  #state: CodeSet | 'trail' | 'escape start' | 'escape' = 'ascii'
  #set: CodeSet = 'ascii'
  #lead = 0
  #output = false

  take(byte: number): number {
    switch (this.#state) {
      case 'trail':
        return this.#trail(byte)
      case 'escape start':
        return this.#escapeStart(byte)
      case 'escape':
        return this.#escape(byte)
      default:
        return this.#character(this.#state, byte)
    }
  }

  #character(set: CodeSet, byte: number): number {
    if (byte === ESCAPE) {
      this.#state = 'escape start'
      return MORE
    }
    if (byte === END) return FINISHED
    this.#output = false
    if (set === 'kanji') {
      if (byte < 0x21 || byte > 0x7e) return MALFORMED
      this.#lead = byte
      this.#state = 'trail'
      return MORE
    }
    if (set === 'katakana') return byte >= 0x21 && byte <= 0x5f ? 0xff61 - 0x21 + byte : MALFORMED
    if (byte > 0x7f || byte === 0x0e || byte === 0x0f) return MALFORMED
    if (set === 'roman' && byte === 0x5c) return 0xa5
    return set === 'roman' && byte === 0x7e ? 0x203e : byte
  }

  #trail(byte: number): number {
    if (byte === ESCAPE) {
      this.#state = 'escape start'
      return MALFORMED
    }
    this.#state = 'kanji'
    if (byte < 0x21 || byte > 0x7e) return MALFORMED
    return lookUp('jis0208', (this.#lead - 0x21) * 94 + byte - 0x21) ?? MALFORMED
  }

  #escapeStart(byte: number): number {
    if (byte === 0x24 || byte === 0x28) {
      this.#lead = byte
      this.#state = 'escape'
      return MORE
    }
    return this.#noEscape(byte === END ? [] : [byte])
  }

  #escape(byte: number): number {
    const lead = this.#lead
    const set = setOf(lead, byte)
    if (set === undefined) return this.#noEscape(byte === END ? [lead] : [byte, lead])
    this.#lead = 0
    this.#set = set
    this.#state = set
    const output = this.#output
    this.#output = true
    return output ? MALFORMED : MORE
  }

  #noEscape(again: readonly number[]): number {
    this.again.push(...again)
    this.#lead = 0
    this.#output = false
    this.#state = this.#set
    return MALFORMED
  }
}

function setOf(lead: number, byte: number): CodeSet | undefined {
  if (lead === 0x24) return byte === 0x40 || byte === 0x42 ? 'kanji' : undefined
  if (byte === 0x42) return 'ascii'
  if (byte === 0x4a) return 'roman'
  return byte === 0x49 ? 'katakana' : undefined
}
