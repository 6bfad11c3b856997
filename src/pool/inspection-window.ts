import type { Inspection } from '../core/inspection.ts'
import type { LogLine } from '../core/run.ts'
import { FrameError } from '../wire/frame.ts'
import type { FromCell } from '../wire/from-cell.ts'
import { type Inspect, toCell } from '../wire/to-cell.ts'
import type { Channel } from './channel.ts'

/**
 * What goes between whoever inspects runs and one cell.
 * Invariant: a cell that was not started to be inspected and says something of an inspection breaks the protocol.
 */
export class InspectionWindow {
  readonly #channel: Channel
  readonly #inspection: Inspection | undefined
  /** The run that is looked into: the one that began last. */
  #run: number | undefined

  constructor(channel: Channel, inspection: Inspection | undefined) {
    this.#channel = channel
    this.#inspection = inspection
  }

  /** A run has been sent to the cell. */
  open(run: number): void {
    if (this.#inspection === undefined) return
    this.#run = run
    this.#inspection.began({
      send: (text) => this.#send(run, { kind: 'message', text }),
      detach: () => this.#send(run, { kind: 'detach' }),
    })
  }

  take({ run, what, text }: FromCell & { kind: 'inspected' }): void {
    if (this.#inspection === undefined) throw new FrameError('a cell tells of an inspection that nobody asked for')
    if (run !== this.#run) return
    if (what === 'profile') this.#inspection.profiled(text)
    else this.#inspection.received(text)
  }

  log(line: LogLine): void {
    this.#inspection?.logged(line)
  }

  /** The run is over. */
  close(run: number): void {
    if (this.#inspection === undefined || this.#run !== run) return
    this.#run = undefined
    this.#inspection.ended()
  }

  #send(run: number, inspect: Inspect): void {
    if (this.#run !== run) return
    toCell.inspect(this.#channel.batch, run, inspect)
    this.#channel.flushSoon()
  }
}
