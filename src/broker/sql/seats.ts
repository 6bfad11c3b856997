/** What shares the seats: it can give one up, and wants to hear when there is one. */
interface Sitter {
  readonly waiting: number
  readonly connections: number
  /** Gives up a connection that nobody uses; false if there is none. */
  evict(): boolean
  pump(): void
}

/** Connections of the whole host, to all databases of all tenants. */
export class Seats {
  readonly #max: number
  readonly #sitters = new Set<Sitter>()
  #taken = 0

  constructor(max: number) {
    this.#max = max
  }

  get taken(): number {
    return this.#taken
  }

  join(sitter: Sitter): void {
    this.#sitters.add(sitter)
  }

  leave(sitter: Sitter): void {
    this.#sitters.delete(sitter)
  }

  /** Takes a seat if there is one. If there is none, somebody's unused connection is closed, and its seat is free in a moment. */
  take(): boolean {
    if (this.#taken < this.#max) {
      this.#taken += 1
      return true
    }
    for (const sitter of this.#sitters) if (sitter.evict()) break
    return false
  }

  /** Gives a seat back. */
  give(): void {
    this.#taken -= 1
    this.#wake()
  }

  /** Whether the seats are all taken and somebody else who waits has none. */
  isWanted(by: Sitter): boolean {
    if (this.#taken < this.#max) return false
    return [...this.#sitters].some((other) => other !== by && other.waiting > 0 && other.connections === 0)
  }

  /** A connection has fallen unused: if the seats are all taken, somebody who waits for one may want its place. */
  offer(): void {
    if (this.#taken >= this.#max) this.#wake()
  }

  /** Asks everybody who waits, whoever was asked first last time being asked last now. */
  #wake(): void {
    const waiting = [...this.#sitters].filter((sitter) => sitter.waiting > 0)
    const [first] = waiting
    if (first !== undefined) {
      this.#sitters.delete(first)
      this.#sitters.add(first)
    }
    for (const sitter of waiting) sitter.pump()
  }
}
