import type { Exchange } from '../../../src/core/exchange.ts'
import { bytes } from '../../../src/core/quantity.ts'
import type { Report } from '../../../src/core/run.ts'

/** A client in memory, of whom a test sees everything. */
export class MemoryExchange implements Exchange {
  readonly heads: unknown[] = []
  readonly written: Buffer[] = []
  readonly reports: Report[] = []
  ended = 0
  reads = 0
  /** Pieces of the request's body that are still to come. */
  readonly pieces: Buffer[]
  /** Called at each write; the guest's write is answered when it resolves. */
  onWrite: (text: string) => Promise<void> | void = () => {}
  /** Called at each read. */
  onRead: () => Promise<void> | void = () => {}
  #ingress = 0

  constructor(pieces: readonly (string | Buffer)[] = []) {
    this.pieces = pieces.map((piece) => Buffer.from(piece as string))
  }

  get traffic() {
    return { egress: bytes(this.written.reduce((sum, { length }) => sum + length, 0)), ingress: bytes(this.#ingress) }
  }
  get text(): string {
    return Buffer.concat(this.written).toString()
  }

  async read(): Promise<Uint8Array | 'end'> {
    this.reads += 1
    await this.onRead()
    const piece = this.pieces.shift()
    this.#ingress += piece?.length ?? 0
    return piece ?? 'end'
  }
  respond(_run: string, head: unknown): string | undefined {
    this.heads.push(head)
    return undefined
  }
  async write(piece: Uint8Array): Promise<'written'> {
    this.written.push(Buffer.from(piece))
    await this.onWrite(Buffer.from(piece).toString())
    return 'written'
  }
  end(): void {
    this.ended += 1
  }
  conclude(report: Report): void {
    this.reports.push(report)
  }
}
