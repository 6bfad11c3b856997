import { type Bytes, bytes } from '../../core/quantity.ts'

/** A pattern and what it is a form of. */
export interface Pattern {
  readonly bytes: Uint8Array
  readonly name: string
}

/** Where a matcher is in a stream: 0 at its start. */
export type MatcherState = number

const ROOT: MatcherState = 0
const NONE = 0
/** What a matcher takes whatever it finds: its table for the root, and eight objects. */
const BASE_BYTES = 2_048

/**
 * Finds many patterns at once in bytes that come piece by piece: the automaton of Aho and Corasick. Each byte costs the same,
 * whatever the patterns and the bytes are, so that nobody can make the search slow.
 */
export class Matcher {
  /** By state: how many of the last bytes may be the beginning of a pattern. Nothing before them can be part of a later match. */
  #depth: Int32Array
  #label: Uint8Array
  #firstChild: Int32Array
  #sibling: Int32Array
  #fail: Int32Array
  /** By state: length of the longest pattern that ends there; 0 if none does. */
  #length: Int32Array
  /** By state: what that pattern is a form of, an index into the names. */
  #owner: Int32Array
  /** The children of the root by label: most bytes are looked up here and nowhere else. */
  readonly #start = new Int32Array(256)
  readonly #names: readonly string[]

  constructor(patterns: readonly Pattern[]) {
    const nodesMax = patterns.reduce((sum, { bytes }) => sum + bytes.length, 1)
    this.#depth = new Int32Array(nodesMax)
    this.#label = new Uint8Array(nodesMax)
    this.#firstChild = new Int32Array(nodesMax)
    this.#sibling = new Int32Array(nodesMax)
    this.#fail = new Int32Array(nodesMax)
    this.#length = new Int32Array(nodesMax)
    this.#owner = new Int32Array(nodesMax)
    this.#names = patterns.map(({ name }) => name)
    let count = 1
    for (const [index, { bytes }] of patterns.entries()) count = this.#add(bytes, index, count)
    this.#link(count)
    // Forms that begin alike share states: mostly there are far fewer than bytes.
    this.#depth = this.#depth.slice(0, count)
    this.#label = this.#label.slice(0, count)
    this.#firstChild = this.#firstChild.slice(0, count)
    this.#sibling = this.#sibling.slice(0, count)
    this.#fail = this.#fail.slice(0, count)
    this.#length = this.#length.slice(0, count)
    this.#owner = this.#owner.slice(0, count)
  }

  /** The memory that it takes, within a kilobyte. */
  get size(): Bytes {
    return bytes(BASE_BYTES + this.#depth.length * (6 * Int32Array.BYTES_PER_ELEMENT + 1))
  }

  /** The state after one more byte. */
  step(state: MatcherState, byte: number): MatcherState {
    for (let from = state; from !== ROOT; from = this.#fail[from] ?? ROOT) {
      const child = this.#childOf(from, byte)
      if (child !== NONE) return child
    }
    return this.#start[byte] ?? ROOT
  }

  /** How many of the last bytes may be the beginning of a pattern, or are one. */
  depthOf(state: MatcherState): number {
    return this.#depth[state] ?? 0
  }

  /** Length of the longest pattern that ends here; 0 if none does. */
  matchAt(state: MatcherState): number {
    return this.#length[state] ?? 0
  }

  /** What the pattern that ends here is a form of. */
  nameAt(state: MatcherState): string {
    return this.#names[this.#owner[state] ?? 0] ?? ''
  }

  #childOf(node: number, byte: number): number {
    for (let child = this.#firstChild[node] ?? NONE; child !== NONE; child = this.#sibling[child] ?? NONE) {
      if (this.#label[child] === byte) return child
    }
    return NONE
  }

  #add(bytes: Uint8Array, index: number, count: number): number {
    let node = ROOT
    let next = count
    for (const byte of bytes) {
      let child = this.#childOf(node, byte)
      if (child === NONE) {
        child = next
        next += 1
        this.#label[child] = byte
        this.#depth[child] = (this.#depth[node] ?? 0) + 1
        this.#sibling[child] = this.#firstChild[node] ?? NONE
        this.#firstChild[node] = child
      }
      node = child
    }
    if (this.#length[node] === 0) {
      this.#length[node] = bytes.length
      this.#owner[node] = index
    }
    return next
  }

  /** Breadth first: where a state goes on when its own children do not, and which pattern ends within it. */
  #link(count: number): void {
    const queue = new Int32Array(count)
    let end = 1
    for (let head = 0; head < end; head += 1) {
      const node = queue[head] ?? ROOT
      for (let child = this.#firstChild[node] ?? NONE; child !== NONE; child = this.#sibling[child] ?? NONE) {
        const label = this.#label[child] ?? 0
        const fail = node === ROOT ? ROOT : this.step(this.#fail[node] ?? ROOT, label)
        if (node === ROOT) this.#start[label] = child
        this.#fail[child] = fail
        if (this.#length[child] === 0) {
          this.#length[child] = this.#length[fail] ?? 0
          this.#owner[child] = this.#owner[fail] ?? 0
        }
        queue[end] = child
        end += 1
      }
    }
  }
}
