import type { ArtifactId } from '../core/ids.ts'
import type { Artifact } from '../core/run.ts'
import type { FrameBatch } from '../wire/frame.ts'
import { toCell } from '../wire/to-cell.ts'

/** Artifacts a cell keeps at once. */
const ARTIFACTS_MAX = 64
/** Their sources together, in bytes: they live in the cell's memory. */
const BYTES_MAX = 8 << 20

/** Which artifacts a cell has been sent, so that each travels once. The least recently used are dropped. */
export class ArtifactTable {
  readonly #sent = new Map<ArtifactId, { readonly number: number; readonly size: number }>()
  #bytes = 0
  #last = 0

  /** The artifact's number in this cell; sends the artifact first if the cell does not have it. */
  use(artifact: Artifact, batch: FrameBatch): number {
    const known = this.#sent.get(artifact.id)
    if (known !== undefined) {
      if (this.#sent.size > 1) {
        this.#sent.delete(artifact.id)
        this.#sent.set(artifact.id, known)
      }
      return known.number
    }
    this.#last += 1
    this.#sent.set(artifact.id, { number: this.#last, size: artifact.size })
    this.#bytes += artifact.size
    toCell.artifact(batch, {
      number: this.#last,
      language: artifact.language,
      main: artifact.main,
      modules: [...artifact.modules],
    })
    this.#evict(batch)
    return this.#last
  }

  #evict(batch: FrameBatch): void {
    for (const [id, { number, size }] of this.#sent) {
      if (this.#sent.size <= 1 || (this.#sent.size <= ARTIFACTS_MAX && this.#bytes <= BYTES_MAX)) return
      this.#sent.delete(id)
      this.#bytes -= size
      toCell.drop(batch, number)
    }
  }
}
