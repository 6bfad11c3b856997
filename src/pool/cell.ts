import type { Clock } from '../core/clock.ts'
import { CloisterError } from '../core/errors.ts'
import type { Inspection } from '../core/inspection.ts'
import type { TenantId } from '../core/ids.ts'
import type { Policy } from '../core/policy.ts'
import type { Report, Session, Ticket, WallLevel } from '../core/run.ts'
import { FrameError } from '../wire/frame.ts'
import type { FromCell } from '../wire/from-cell.ts'
import { type Assignment, type Boot, toCell } from '../wire/to-cell.ts'
import { ArtifactTable } from './artifact-table.ts'
import { assignmentOf, startOf } from './briefing.ts'
import { CallLine, UNREAD_MAX } from './call-line.ts'
import { Channel } from './channel.ts'
import { findCulprit } from './culprit.ts'
import { type Death, type Ending, type KillReason, type ProcessEnd } from './death.ts'
import { bystander, explain, guilty, hostFault } from './death.ts'
import type { CellGuard } from './guard.ts'
import { InspectionWindow } from './inspection-window.ts'
import { Roster } from './roster.ts'
import { type RunInCell, addLog, createRunInCell, endingOf, giveBack, onAbort, reportOf } from './run-in-cell.ts'
import type { CellProcess } from './spawner.ts'

export type CellState = 'starting' | 'blank' | 'leased' | 'ended'

interface Parts {
  readonly process: CellProcess
  readonly guard: CellGuard
  readonly clock: Clock
  readonly walls: WallLevel
  readonly boot: Boot
  readonly inspection?: Inspection | undefined
  /** Called once, when the process has been reaped and every run in it has its report. */
  readonly onEnd: (cell: Cell, death: Death) => void
  /** Called when runs in it have got further: there may be room for one that waits. */
  readonly onProgress: (cell: Cell) => void
}

/**
 * The host's side of one cell: its process, its socket and the runs in it.
 * ARCHITECTURE.md draws its life.
 *
 * **Invariant: a cell serves one tenant for its whole life.** Nothing from the process is used before wire/ has checked it;
 * a message that a cell of ours would not send ends the cell.
 */
export class Cell {
  readonly pid: number
  readonly createdMs: number
  readonly #parts: Parts
  readonly #channel: Channel
  readonly #roster: Roster
  readonly #artifacts = new ArtifactTable()
  readonly #calls: CallLine
  readonly #window: InspectionWindow
  readonly #ready = Promise.withResolvers<void>()
  readonly #exited = Promise.withResolvers<void>()
  readonly ready = this.#ready.promise
  /** Resolves when the kernel has reaped the process and every run has its report. */
  readonly exited = this.#exited.promise
  #tenant: TenantId | undefined
  #policy: Policy | undefined
  #state: CellState = 'starting'
  #retiring: KillReason | undefined
  #killReason: KillReason | undefined
  #hasEntered = false
  #leases = 0
  #served = 0
  #idleSinceMs: number

  constructor(parts: Parts) {
    this.#parts = parts
    this.pid = parts.process.pid
    this.createdMs = parts.clock.elapsed()
    this.#idleSinceMs = this.createdMs
    const { clock, guard } = parts
    this.#roster = new Roster({ clock, reading: () => guard.reading, onBegin: (run) => guard.enter(run) })
    this.#channel = new Channel({
      socket: parts.process.socket,
      clock: parts.clock,
      onChunk: () => this.#observe(),
      onMessage: (message) => this.#take(message),
      onChunkEnd: () => {
        this.#roster.settle()
        guard.update(this.#roster)
        parts.onProgress(this)
      },
      onDrain: () => {
        this.#calls.advance()
        parts.onProgress(this)
      },
      onViolation: (kind) => this.kill(kind),
      onBroken: () => parts.process.kill(),
    })
    this.#calls = new CallLine({ channel: this.#channel, has: (run) => this.#roster.has(run) })
    this.#window = new InspectionWindow(this.#channel, parts.inspection)
    // The pool learns of the death from here alone, so a cell that dies by itself takes the same road as a killed one.
    void parts.process.ended.then((end) => this.#end(end))
    toCell.boot(this.#channel.batch, parts.boot)
    this.#channel.flushSoon()
  }

  get state(): CellState {
    return this.#state
  }
  get tenant(): TenantId | undefined {
    return this.#tenant
  }
  /** Leases that are open: a run in progress, or about to start. */
  get runs(): number {
    return this.#leases
  }
  get served(): number {
    return this.#served
  }
  /** When its last lease ended. */
  get idleSinceMs(): number {
    return this.#idleSinceMs
  }
  get idleMaxMs(): number {
    return this.#policy?.instance.idle ?? Infinity
  }
  /** Why it ends as soon as its runs have, if it does. */
  get retiring(): KillReason | undefined {
    return this.#retiring
  }
  /** Whether it ends as soon as its runs have. */
  get isLeaving(): boolean {
    return (this.#retiring ?? this.#killReason) !== undefined
  }
  /**
   * Whether it may be given another run. Not while it may run in vain what was taken back: nobody must answer for that; and
   * not while it does not read what it has been sent.
   */
  get accepts(): boolean {
    return this.#state === 'leased' && !this.isLeaving && !this.#roster.isOwed && this.#channel.unread <= UNREAD_MAX
  }
  get waiting(): number {
    return this.#roster.waiting
  }

  /** How long a run that came now would wait for its turn, in ms: see {@link Roster.expectedWaitMs}. */
  expectedWaitMs(patienceMs: number): number {
    // A lease that has not started its run yet is in nobody's line, but it will be.
    return this.#roster.expectedWaitMs(patienceMs, this.#leases - this.#roster.size)
  }

  /** Gives the cell to a tenant, for good. */
  assign(tenant: TenantId, policy: Policy, entries: Assignment['entries']): void {
    if (this.#state !== 'blank') throw new CloisterError('INTERNAL', `a ${this.#state} cell cannot be assigned`)
    this.#state = 'leased'
    this.#tenant = tenant
    this.#policy = policy
    this.#parts.guard.assign(policy.limits)
    toCell.assign(this.#channel.batch, assignmentOf(tenant, policy, entries))
  }

  /** Whether this cell was given to its tenant under this very policy. */
  serves(policy: Policy): boolean {
    return this.#policy === policy
  }

  /** Makes room for one run, from before it starts until after its report: a cell with a lease is not idle. */
  reserve(): Disposable {
    this.#leases += 1
    return {
      [Symbol.dispose]: () => {
        this.#leases -= 1
        this.#idleSinceMs = this.#parts.clock.elapsed()
        if (this.#leases === 0 && this.#retiring !== undefined) this.kill(this.#retiring)
      },
    }
  }

  /** Runs a ticket's code here. Resolves with its report, also when the process dies, or when it was taken back. */
  run(number: number, ticket: Ticket, session: Session): Promise<Report | 'taken-back'> {
    if (ticket.request.tenant !== this.#tenant) throw new CloisterError('INTERNAL', 'a cell was leased across tenants')
    return new Promise((resolve, reject) => {
      const run = createRunInCell(number, ticket, session, { resolve, reject })
      if (this.#state === 'ended') return this.#finish(run, bystander('exit'), 'warm')
      const { batch } = this.#channel
      const { artifact, signal } = ticket.request
      toCell.start(batch, number, startOf(ticket, this.#artifacts.use(artifact, batch), session))
      this.#roster.add(run)
      this.#window.open(number)
      if (signal !== undefined) run.stopWatching = onAbort(signal, () => this.#cancel(run))
      this.#channel.flushSoon()
    })
  }

  /** Ends the process at once. `reason` decides the status of the run that is to blame. */
  kill(reason: KillReason): void {
    if (this.#killReason !== undefined || this.#state === 'ended') return
    this.#killReason = reason
    this.#channel.close()
    this.#observe()
    // Killed, not asked: a guest in a tight loop never lets the cell read another message.
    this.#parts.process.kill()
    this.#parts.guard.hasten()
  }

  /** Takes no more runs; ends once the last one has ended. */
  retire(reason: KillReason): void {
    this.#retiring ??= reason
    if (this.#leases === 0) this.kill(reason)
  }

  /** Takes back the runs that wait for their first turn, so that they can have it elsewhere. */
  takeBack(): void {
    for (const run of this.#roster.takeBack()) {
      toCell.cancel(this.#channel.batch, run.number)
      giveBack(run)
    }
    this.#channel.flushSoon()
  }

  /** Once a second: ends the cell if it is lost in a run that was taken back. */
  sweep(): void {
    if (this.#roster.sweep() === 'lost') this.kill('taken-back')
  }

  #take(message: FromCell): void {
    if (message.kind === 'ready') return this.#markReady()
    const run = this.#roster.named(message.run)
    if (run === undefined) return message.kind === 'done' ? this.#roster.forget(message.run) : undefined
    switch (message.kind) {
      case 'entered':
        this.#hasEntered = true
        return this.#roster.enter(run)
      case 'yielded':
        return this.#roster.yield(run)
      case 'call':
        return this.#calls.add(run, message)
      case 'log':
        this.#window.log(message.line)
        return addLog(run, message.line)
      case 'inspected':
        return this.#window.take(message)
      case 'done':
        return this.#finish(run, endingOf(run, message), message.cold ? 'cold' : 'warm')
    }
  }

  #markReady(): void {
    if (this.#state !== 'starting') throw new FrameError('a cell is ready twice')
    this.#state = 'blank'
    this.#ready.resolve()
  }

  #finish(run: RunInCell, ending: Ending, isolate: 'warm' | 'cold'): void {
    const { clock, guard, walls } = this.#parts
    const nowMs = clock.elapsed()
    this.#roster.remove(run)
    this.#window.close(run.number)
    run.stopWatching?.()
    const cpuMs = guard.leave(run)
    const coldStart = isolate === 'cold' || this.#served === 0
    run.resolve(reportOf(run, ending, { nowMs, cpuMs, peakBytes: guard.peakBytes, coldStart, walls }))
    this.#served += 1
  }

  /** Asks the cell to end the run; if it does not answer within the grace, the guard kills it. */
  #cancel(run: RunInCell): void {
    if (!this.#roster.has(run) || run.cancelledMs !== undefined) return
    run.cancelledMs = this.#parts.clock.elapsed()
    toCell.cancel(this.#channel.batch, run.number)
    this.#channel.flushSoon()
    this.#parts.guard.update(this.#roster)
  }

  #observe(): void {
    this.#parts.guard.observe()
    this.#roster.observe()
  }

  #end(end: ProcessEnd): void {
    if (this.#state === 'ended') return
    const { guard } = this.#parts
    this.#state = 'ended'
    this.#channel.destroy()
    this.#calls.clear()
    const killReason = guard.killedFor ?? this.#killReason
    const death = explain({ ...end, killReason })
    guard.observeLast()
    this.#roster.observe()
    const runs = this.#roster.all()
    // A cell that dies by itself before any code has run in it has nobody to blame.
    const isBlamed = this.#hasEntered || killReason !== undefined
    const scene = { ...this.#roster.scene(), reason: death.reason, overdue: guard.mostOverdue() }
    const culprit = isBlamed ? findCulprit(scene) : undefined
    const fault = hostFault(death)
    if (fault !== undefined) for (const run of runs) run.reject(fault)
    for (const run of runs) {
      // What has not begun has lost nothing: it has its turn elsewhere, as often as it takes.
      if (run !== culprit && run.startedMs === undefined) giveBack(run)
      else this.#finish(run, run === culprit ? guilty(death, run.ticket) : bystander(death.reason), 'warm')
    }
    guard.end()
    this.#parts.onEnd(this, death)
    this.#exited.resolve()
  }
}
