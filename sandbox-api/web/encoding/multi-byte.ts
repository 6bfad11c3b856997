import { type Decoder, type ErrorMode, REPLACEMENT, TextBuilder, malformed } from './decoder.ts'

/** The end of the bytes, as the automata of the Encoding Standard see it. */
export const END = -1

/** What an automaton says to a byte; anything else is the code point that it completed. */
export const MORE = -1
export const MALFORMED = -2
/** The end has been dealt with. */
export const FINISHED = -3

/** One of the standard's decoders: a function of a byte, and what it remembers. */
export interface Automaton {
  take(byte: number): number
  /** Bytes to be taken again before others, the first of them last. The driver empties it. */
  readonly again: number[]
  /** A second code point that the last byte has completed. */
  second?: number
}

/** An encoding with characters of several bytes: drives the standard's automaton over the bytes. */
export class MultiByteDecoder implements Decoder {
  readonly #automaton: Automaton
  readonly #mode: ErrorMode
  readonly #text = new TextBuilder()

  constructor(automaton: Automaton, mode: ErrorMode) {
    this.#automaton = automaton
    this.#mode = mode
  }

  decode(bytes: Uint8Array, last: 'last' | 'more'): string {
    for (let index = 0; index < bytes.length; index += 1) this.#feed(bytes[index] as number)
    if (last === 'last') this.#feed(END)
    return this.#text.take()
  }

  #feed(byte: number): void {
    const automaton = this.#automaton
    const { again } = automaton
    this.#put(automaton.take(byte))
    while (again.length > 0) this.#put(automaton.take(again.pop() as number))
    // An error at the end leaves the end to be seen once more.
    if (byte === END) this.#put(automaton.take(END))
  }

  #put(said: number): void {
    if (said >= 0) {
      this.#text.add(said)
      const { second } = this.#automaton
      if (second !== undefined) {
        this.#text.add(second)
        delete this.#automaton.second
      }
    } else if (said === MALFORMED) {
      if (this.#mode === 'fatal') {
        this.#automaton.again.length = 0
        this.#text.take()
        throw malformed()
      }
      this.#text.add(REPLACEMENT)
    }
  }
}
