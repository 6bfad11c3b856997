import type { Clock } from '../core/clock.ts'
import { CloisterError } from '../core/errors.ts'
import type { TenantId } from '../core/ids.ts'
import type { Policy } from '../core/policy.ts'
import { bytes, micros } from '../core/quantity.ts'
import type { Report, Session, Ticket, WallLevel } from '../core/run.ts'
import { type Frame, FrameBatch, FrameError, FrameReader } from '../wire/frame.ts'
import { type FromCell, decodeFromCell } from '../wire/from-cell.ts'
import { FROM_CELL_PAYLOAD_MAX } from '../wire/limits.ts'
import { type Boot, toCell } from '../wire/to-cell.ts'
import { ArtifactTable } from './artifact-table.ts'
import { type Death, type KillReason, explain } from './death.ts'
import { CellGuard } from './guard.ts'
import { type RunInCell, createRunInCell } from './run-in-cell.ts'
import type { CellProcess } from './spawn.ts'

export type CellState = 'starting' | 'blank' | 'leased' | 'ended'

interface Parts {
  readonly process: CellProcess
  readonly guard: CellGuard
  readonly clock: Clock
  readonly walls: WallLevel
  readonly boot: Boot
  /** Called once, when the process has been reaped and every run in it has its report. */
  readonly onEnd: (cell: Cell, death: Death) => void
}

/** Bytes of standard error kept: enough for V8's last words, which tell an exhausted heap from a crash. */
const LAST_WORDS_MAX = 4_096
/** Frames a cell may send between two sweeps of the pool, a second apart: several times what the fastest cell sends. */
const FRAMES_MAX = 2_000_000

/**
 * The host's side of one cell: its process, its socket and the runs in it.
 *
 * ```
 * starting ──ready──▶ blank ──assign──▶ leased ──retire──▶ leased, no new runs ──last run──▶ ended
 *     └──────────────────┴───────────── kill or death of the process ──────────────────────▶ ended
 * ```
 * **Invariant: a cell serves one tenant for its whole life.** Nothing from the process is used before wire/ has checked it;
 * a message that a cell of ours would not send ends the cell.
 */
export class Cell {
  readonly pid: number
  readonly createdMs: number
  readonly ready: Promise<void>
  /** Resolves when the kernel has reaped the process and every run has its report. */
  readonly exited: Promise<void>
  readonly #parts: Parts
  readonly #batch = new FrameBatch()
  readonly #reader = new FrameReader(FROM_CELL_PAYLOAD_MAX)
  readonly #artifacts = new ArtifactTable()
  readonly #runs = new Map<number, RunInCell>()
  /** Runs whose first entry has not ended yet, in the order in which the cell takes them. */
  readonly #line: RunInCell[] = []
  readonly #becomeReady: () => void
  readonly #becomeExited: () => void
  #current: RunInCell | undefined
  #tenant: TenantId | undefined
  #policy: Policy | undefined
  #state: CellState = 'starting'
  #retiring: KillReason | undefined
  #killReason: KillReason | undefined
  #lastWords = ''
  #wasReady = false
  #flushing = false
  #frames = 0
  #served = 0
  #idleSinceMs: number

  constructor(parts: Parts) {
    this.#parts = parts
    this.pid = parts.process.pid
    this.createdMs = parts.clock.elapsed()
    this.#idleSinceMs = this.createdMs
    const ready = Promise.withResolvers<void>()
    this.ready = ready.promise
    this.#becomeReady = ready.resolve
    const exited = Promise.withResolvers<void>()
    this.exited = exited.promise
    this.#becomeExited = exited.resolve
    this.#listen()
    toCell.boot(this.#batch, parts.boot)
    this.#flush()
  }

  get state(): CellState {
    return this.#state
  }
  get tenant(): TenantId | undefined {
    return this.#tenant
  }
  get runs(): number {
    return this.#runs.size
  }
  get served(): number {
    return this.#served
  }
  /** When its last run ended. */
  get idleSinceMs(): number {
    return this.#idleSinceMs
  }
  /** How long it may be without a run. */
  get idleMaxMs(): number {
    return this.#policy?.instance.idle ?? Infinity
  }
  get wasReady(): boolean {
    return this.#wasReady
  }
  /** What the process wrote to standard error. */
  get lastWords(): string {
    return this.#lastWords
  }
  /** Whether it may be given another run. */
  get accepts(): boolean {
    return this.#state === 'leased' && this.#retiring === undefined && this.#killReason === undefined
  }
  /** How long the run at the head of the line has kept the cell busy, in ms; 0 if the cell is free. */
  get headAgeMs(): number {
    const head = this.#current ?? this.#line[0]
    return head?.startedMs === undefined ? 0 : this.#parts.clock.elapsed() - head.startedMs
  }

  /** Gives the cell to a tenant, for good. */
  assign(tenant: TenantId, policy: Policy): void {
    if (this.#state !== 'blank') throw new CloisterError('INTERNAL', `a ${this.#state} cell cannot be assigned`)
    this.#state = 'leased'
    this.#tenant = tenant
    this.#policy = policy
    const { limits, instance } = policy
    this.#parts.guard.assign(limits)
    toCell.assign(this.#batch, {
      tenant,
      memoryMb: limits.memory,
      outputBytes: limits.output,
      logBytes: limits.logs,
      logLines: limits.logLines,
      pendingCalls: limits.pendingCalls,
      timers: limits.timers,
      runsMax: instance.runsMax,
      isolatesMax: Math.max(1, Math.min(16, instance.runsPerCell)),
      capabilities: Object.keys(policy.capabilities),
    })
  }

  /** Whether this cell was given to the tenant under this very policy. */
  serves(policy: Policy): boolean {
    return this.#policy === policy
  }

  /** Runs a ticket's code here. Resolves with its report, also when the process dies. */
  run(number: number, ticket: Ticket, session: Session): Promise<Report> {
    if (ticket.request.tenant !== this.#tenant) throw new CloisterError('INTERNAL', 'a cell was leased across tenants')
    return new Promise((resolve) => {
      const run = createRunInCell(number, ticket, session, resolve)
      this.#runs.set(number, run)
      this.#line.push(run)
      if (this.#state === 'ended') return this.#report(run, { status: 'crashed', reason: 'exit', isCulprit: false })
      const artifact = this.#artifacts.use(ticket.request.artifact, this.#batch)
      toCell.start(this.#batch, number, {
        artifact,
        reuse: ticket.reuse,
        wallMs: ticket.wall,
        context: contextOf(ticket),
        input: ticket.request.input,
      })
      if (this.#line.length === 1) this.#begin(run)
      this.#watchAbort(run)
      this.#flushSoon()
    })
  }

  /** Ends the process at once. `reason` decides the status of the run that is to blame. */
  kill(reason: KillReason): void {
    if (this.#killReason !== undefined || this.#state === 'ended') return
    this.#killReason = reason
    this.#parts.guard.observe()
    // Killed, not asked: a guest in a tight loop never lets the cell read another message.
    this.#parts.process.child.kill('SIGKILL')
  }

  /** Takes no more runs; ends once the last one has ended. */
  retire(reason: KillReason): void {
    this.#retiring ??= reason
    if (this.#runs.size === 0) this.kill(reason)
  }

  /** Once a second: bounds what a cell can send, and catches up with CPU and memory figures. */
  sweep(): void {
    this.#frames = 0
  }

  #listen(): void {
    const { socket, child, stderr } = this.#parts.process
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', () => this.kill('protocol'))
    stderr.on('data', (chunk: Buffer) => {
      if (this.#lastWords.length < LAST_WORDS_MAX) this.#lastWords += chunk.toString('latin1').slice(0, LAST_WORDS_MAX)
    })
    // The pool learns of the death from here alone, so a cell that dies by itself takes the same road as a killed one.
    child.on('exit', (_code, signal) => this.#end(signal ?? 'exit'))
    child.on('error', () => {})
  }

  #receive(chunk: Buffer): void {
    if (this.#killReason !== undefined) return
    this.#parts.guard.observe()
    try {
      this.#reader.push(chunk, (frame) => this.#take(frame))
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.kill('protocol')
      return
    }
    this.#parts.guard.update()
  }

  #take(frame: Frame): void {
    this.#frames += 1
    if (this.#frames > FRAMES_MAX) throw new FrameError('a cell floods the wire')
    const message = decodeFromCell(frame)
    if (message.kind === 'ready') return this.#markReady()
    const run = this.#runs.get(message.run)
    if (run === undefined) throw new FrameError('a message for a run that is not in the cell')
    switch (message.kind) {
      case 'entered':
        this.#current = run
        run.phase = 'running'
        return
      case 'yielded':
        run.phase = 'waiting'
        return this.#leaveLine(run)
      case 'call':
        return this.#call(run, message)
      case 'log':
        return this.#log(run, message.line)
      case 'done':
        return this.#done(run, message)
    }
  }

  #markReady(): void {
    if (this.#state !== 'starting') throw new FrameError('a cell is ready twice')
    this.#state = 'blank'
    this.#wasReady = true
    this.#parts.guard.ready()
    this.#becomeReady()
  }

  #begin(run: RunInCell): void {
    run.startedMs = this.#parts.clock.elapsed()
    this.#parts.guard.enter(run)
  }

  /** The run's first entry is over, or the run is: the next one in the line can be entered. */
  #leaveLine(run: RunInCell): void {
    if (this.#current === run) this.#current = undefined
    const index = this.#line.indexOf(run)
    if (index < 0) return
    this.#line.splice(index, 1)
    const head = this.#line[0]
    if (index === 0 && head !== undefined && head.startedMs === undefined) this.#begin(head)
  }

  #call(run: RunInCell, { call, operation, payload }: FromCell & { kind: 'call' }): void {
    if (call !== run.lastCall + 1) throw new FrameError('calls are not numbered in order')
    if (run.pendingCalls >= run.ticket.policy.limits.pendingCalls) throw new FrameError('more calls than may wait')
    run.lastCall = call
    run.pendingCalls += 1
    void run.session.call(operation, payload).then(({ ok, text }) => {
      if (!this.#runs.has(run.number)) return
      run.pendingCalls -= 1
      toCell.answer(this.#batch, run.number, { call, ok, text })
      this.#flushSoon()
    })
  }

  #log(run: RunInCell, line: Report['logs'][number]): void {
    const { logs, logLines } = run.ticket.policy.limits
    run.logBytes += Buffer.byteLength(line.message)
    // The runtime counts in UTF-16 units and adds a few lines of its own; what is far beyond that is not ours.
    if (run.logs.length > logLines + 100 || run.logBytes > logs * 3 + 65_536)
      throw new FrameError('more logs than the policy allows')
    run.logs.push(line)
  }

  #done(run: RunInCell, { status, result, error, cold }: FromCell & { kind: 'done' }): void {
    const { output } = run.ticket.policy.limits
    if (run.startedMs === undefined) throw new FrameError('a run ended before its turn')
    if (status === 'cancelled' && run.cancelledMs === undefined) throw new FrameError('a run was cancelled by nobody')
    if (status === 'ok' && result.length > output) {
      const message = `the result has ${result.length} bytes, the policy's limits.outputBytes is ${output}`
      return this.#finish(run, { status: 'output-exceeded', error: { name: 'RangeError', message, stack: '' } }, cold)
    }
    // Copied: the receive buffer is used again.
    this.#finish(
      run,
      status === 'ok' ? { status, result: Buffer.from(result) } : { status, ...(error && { error }) },
      cold,
    )
  }

  #finish(
    run: RunInCell,
    ending: Pick<Report, 'status' | 'result' | 'error' | 'killReason' | 'bystander'>,
    isCold: boolean,
  ): void {
    const { clock, guard, walls } = this.#parts
    this.#runs.delete(run.number)
    this.#leaveLine(run)
    const wallMs = run.startedMs === undefined ? 0 : clock.elapsed() - run.startedMs
    const cpuMs = guard.leave(run)
    const coldStart = isCold || this.#served === 0
    this.#served += 1
    this.#idleSinceMs = clock.elapsed()
    run.resolve({
      ...ending,
      logs: run.logs,
      wall: micros(Math.max(1, Math.ceil(wallMs * 1_000))),
      cpu: micros(Math.round(cpuMs * 1_000)),
      peakMemory: bytes(guard.peakBytes),
      coldStart,
      walls,
    })
    if (this.#runs.size === 0 && this.#retiring !== undefined) this.kill(this.#retiring)
  }

  #watchAbort(run: RunInCell): void {
    const signal = run.ticket.request.signal
    if (signal === undefined) return
    const cancel = (): void => this.#cancel(run)
    if (signal.aborted) cancel()
    else signal.addEventListener('abort', cancel, { once: true })
  }

  /** Asks the cell to end the run; if it does not answer within the grace, the guard kills it. */
  #cancel(run: RunInCell): void {
    if (!this.#runs.has(run.number) || run.cancelledMs !== undefined) return
    run.cancelledMs = this.#parts.clock.elapsed()
    toCell.cancel(this.#batch, run.number)
    this.#flushSoon()
    this.#parts.guard.update()
  }

  /** What happens in one tick goes out in one write. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  #flush(): void {
    const { socket } = this.#parts.process
    if (this.#batch.size > 0 && !socket.destroyed) socket.write(this.#batch.take())
  }

  #end(signal: string): void {
    if (this.#state === 'ended') return
    const wasLeased = this.#state === 'leased'
    this.#state = 'ended'
    const killReason = this.#killReason ?? this.#parts.guard.killedFor
    const death = explain({
      killReason,
      signal,
      lastWords: this.#lastWords,
      tenant: wasLeased ? this.#tenant : undefined,
    })
    const culprit = this.#culprit(killReason)
    this.#parts.guard.observeLast()
    for (const run of [...this.#runs.values()]) {
      this.#report(run, { status: death.status, reason: death.reason, isCulprit: run === culprit })
    }
    this.#parts.guard.end()
    this.#parts.process.socket.destroy()
    this.#parts.onEnd(this, death)
    this.#becomeExited()
  }

  /** Who is to blame for the end: the run that was overdue, or the one whose code was being run. */
  #culprit(reason: KillReason | undefined): RunInCell | undefined {
    const overdue =
      reason === 'deadline' || reason === 'cancel' ? this.#parts.guard.mostOverdue(this.#runs.values()) : undefined
    const [only] = this.#runs.size === 1 ? this.#runs.values() : []
    return this.#current ?? overdue ?? this.#line[0] ?? only
  }

  #report(
    run: RunInCell,
    { status, reason, isCulprit }: { status: Report['status']; reason: KillReason; isCulprit: boolean },
  ): void {
    if (isCulprit) {
      const cancelled = run.cancelledMs !== undefined && reason === 'cancel'
      this.#finish(
        run,
        { status: cancelled ? 'cancelled' : status, error: deathNote(status), killReason: reason },
        false,
      )
    } else {
      const error = { name: 'Error', message: 'the cell was ended by another run of the same tenant', stack: '' }
      this.#finish(run, { status: 'crashed', error, killReason: reason, bystander: true }, false)
    }
  }
}

function deathNote(status: Report['status']): { name: string; message: string; stack: string } {
  return { name: 'Error', message: DEATH_NOTES[status] ?? 'the cell of this run ended', stack: '' }
}

const DEATH_NOTES: Partial<Record<Report['status'], string>> = {
  timeout: 'the run reached its wall time limit and was killed',
  'cpu-exceeded': 'the run reached its CPU time limit (limits.cpuMs) and was killed',
  'memory-exceeded': 'the run passed its memory limit (limits.memoryMb) and was killed',
  crashed: 'the code brought its cell down',
  cancelled: 'the run was cancelled',
}

/** What the guest sees as `context`. Made of parsed ids and numbers only: ASCII, and nothing to escape but `env`. */
function contextOf(ticket: Ticket): string {
  return `{"runId":"${ticket.run}","tenant":"${ticket.request.tenant}","attempt":1,"wallMs":${ticket.wall},"env":{}}`
}
