import type ivm from 'isolated-vm'
import type { Socket } from 'node:net'
import type { NativeValue } from '../../sandbox-api/bridge.ts'
import { FrameBatch, FrameReader } from '../wire/frame.ts'
import { fromCell } from '../wire/from-cell.ts'
import { TO_CELL_PAYLOAD_MAX } from '../wire/limits.ts'
import {
  type Assignment,
  type Boot,
  type CellArtifact,
  type Start,
  type ToCell,
  decodeToCell,
} from '../wire/to-cell.ts'
import type { IsolatedVm } from './addon.ts'
import { die } from './die.ts'
import { CANCELLED, type Ending } from './ending.ts'
import { Inspection } from './inspection.ts'
import { type Realm, RealmMaker } from './realm.ts'
import type { RunHost } from './run-host.ts'
import { GuestRun } from './run.ts'
import { Supply } from './supply.ts'

/** An artifact whose entries stay under this is fast: what is waiting to be sent may wait for its end. */
const FAST_ENTRY_MS = 1
/** After an entry of this length the host may have thought better of what it has sent. */
const LONG_ENTRY_MS = 5
/** How many fast entries in a row prove that an artifact is fast. */
const FAST_ENTRIES_NEEDED = 2

interface Known {
  readonly artifact: CellArtifact
  fastEntries: number
}

interface Entered {
  readonly run: GuestRun
  readonly known: Known | undefined
  readonly start: Start['reuse']
  readonly cold: boolean
}

/**
 * The inside of a cell: takes the host's messages in order and enters isolates on this thread, one entry at a time.
 *
 * Invariant: before an entry that may take long, everything that earlier entries have to tell is on its way to the host,
 * and so is the fact of the entry, so that a cell that hangs hangs with its culprit known.
 */
export class Cell implements RunHost {
  readonly #ivm: IsolatedVm
  readonly #socket: Socket
  readonly #batch = new FrameBatch()
  readonly #reader = new FrameReader(TO_CELL_PAYLOAD_MAX)
  readonly #artifacts = new Map<number, Known>()
  readonly #runs = new Map<number, Entered>()
  /** Messages that have been read and not yet been taken. */
  #inbox: ToCell[] = []
  /** Runs that a message in the inbox cancels. */
  readonly #cancelled = new Set<number>()
  #maker: RealmMaker | undefined
  #supply: Supply | undefined
  /** How runs are inspected, in a cell that was started for it. */
  #settings: Boot['inspection']
  readonly #inspections = new Map<number, Inspection>()
  #cpuMs = Infinity
  #ready = 0
  /** Fast entries in a row after which an entry is not announced before it begins. */
  #fastEntriesNeeded = FAST_ENTRIES_NEEDED
  /** The host has been told of an entry and not of its end. */
  #isAnnounced = false

  constructor(isolatedVm: IsolatedVm, socket: Socket) {
    this.#ivm = isolatedVm
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk, (frame) => {
        const message = decodeToCell(frame)
        // A run that was cancelled while an earlier one kept this thread is never started.
        if (message.kind === 'cancel') this.#cancelled.add(message.run)
        this.#inbox.push(message)
      })
      this.#work()
    })
    // The host is gone, or has dropped this cell: nothing is left to live for.
    socket.on('close', die)
    socket.on('error', die)
  }

  elapsed(): number {
    return performance.now()
  }

  call(run: number, call: number, operation: string, payload: string): void {
    fromCell.call(this.#batch, run, call, operation, payload)
  }

  log(run: number, level: number, message: string): void {
    fromCell.log(this.#batch, run, level, message)
  }

  due(run: number, timer: number): void {
    this.#step(run, (guest) => guest.fire(timer))
    this.#flush()
  }

  worked(run: number, task: number, ok: boolean, value: NativeValue): void {
    const guest = this.#runs.get(run)?.run
    if (guest?.ending !== undefined) this.#rest(run, guest)
    else this.#step(run, (entered) => entered.finish(task, ok, this.#maker?.handOver(value)))
    this.#flush()
  }

  wanted(run: number, load: number): void {
    this.#step(run, (guest) => guest.load(load))
    this.#flush()
  }

  expired(run: number): void {
    this.#runs.get(run)?.run.expire()
    this.#conclude(run)
    this.#flush()
  }

  left(run: number): void {
    const guest = this.#runs.get(run)?.run
    if (guest !== undefined && !guest.isInside) this.#rest(run, guest)
    this.#flush()
  }

  /** Takes the messages in order. After an entry that took long it first reads what has come since: it may be a cancel. */
  #work(): void {
    const messages = this.#inbox
    this.#inbox = []
    for (const [index, message] of messages.entries()) {
      const beforeMs = this.elapsed()
      this.#take(message)
      if (this.elapsed() - beforeMs < LONG_ENTRY_MS || index === messages.length - 1) continue
      this.#inbox = messages.slice(index + 1)
      this.#flush()
      setImmediate(() => this.#work())
      return
    }
    this.#cancelled.clear()
    this.#flush()
    this.#fillWhenIdle()
  }

  #take(message: ToCell): void {
    switch (message.kind) {
      case 'boot':
        return this.#boot(message.boot)
      case 'assign':
        return this.#assign(message.assignment)
      case 'artifact':
        this.#artifacts.set(message.artifact.number, { artifact: message.artifact, fastEntries: 0 })
        return
      case 'drop':
        this.#artifacts.delete(message.artifact)
        this.#supply?.drop(message.artifact)
        return
      case 'start':
        return this.#start(message.run, message.start)
      case 'answer':
        return this.#step(message.run, (guest) => guest.answer(message.answer))
      case 'cancel':
        this.#step(message.run, (guest) => guest.cancel())
        return this.#conclude(message.run)
      case 'inspect':
        this.#inspections.get(message.run)?.heed(message.inspect)
    }
  }

  #boot({ runtime, web, memoryMb, isolates, inspection }: Boot): void {
    this.#ready = isolates
    this.#settings = inspection
    const limits = { memoryMb, idleMax: 1, runsMax: 1, ready: isolates, runtime: '{}' }
    this.#maker = new RealmMaker(this.#ivm, { runtime, web }, inspection === undefined ? 'plain' : 'inspected')
    this.#supply = new Supply(this.#maker, limits)
    this.#supply.warmUp()
    fromCell.ready(this.#batch)
  }

  #assign(assignment: Assignment): void {
    if (assignment.entries === 'announced') this.#fastEntriesNeeded = Infinity
    this.#cpuMs = assignment.cpuMs
    this.#supply?.assign({
      memoryMb: assignment.memoryMb,
      idleMax: assignment.isolatesMax,
      runsMax: assignment.runsMax,
      ready: this.#ready,
      runtime: JSON.stringify(assignment),
    })
  }

  #start(number: number, start: Omit<Start, 'input'> & { input: string }): void {
    const supply = this.#supply
    if (supply === undefined) return
    if (this.#cancelled.has(number)) {
      fromCell.done(this.#batch, number, 'cancelled', 'warm', CANCELLED)
      return
    }
    const known = this.#artifacts.get(start.artifact)
    const realm = supply.take(start.artifact, start.reuse)
    const run = new GuestRun(number, realm, start.wallMs, this, this.#inspect(number, realm))
    this.#runs.set(number, {
      run,
      known,
      start: start.reuse,
      cold: realm.artifact === undefined && start.reuse === 'function',
    })
    this.#step(number, (guest) => guest.start(known?.artifact, start.input, start.context))
  }

  /** Opens the run to whoever inspects it; undefined in a cell that was not started for that. */
  #inspect(run: number, realm: Realm): Inspection | undefined {
    if (this.#settings === undefined) return undefined
    const inspection = new Inspection({
      settings: this.#settings,
      realm,
      cpuMs: this.#cpuMs,
      open: () => {
        const opened: ivm.InspectorSession[] = []
        this.#maker?.within(realm.isolate, () => void opened.push(realm.isolate.vm.createInspectorSession()))
        return opened[0] as ivm.InspectorSession
      },
      tell: (what, text) => {
        fromCell.inspected(this.#batch, run, what, text)
        this.#flush()
      },
    })
    this.#inspections.set(run, inspection)
    return inspection
  }

  /** One entry into a run's isolate, with what the host must know before and after it. */
  #step(number: number, entry: (guest: GuestRun) => void): void {
    const entered = this.#runs.get(number)
    if (entered === undefined) return
    const { run, known } = entered
    const isFast = known !== undefined && known.fastEntries >= this.#fastEntriesNeeded
    // The host must not take the run before for the one that hangs, should this one turn out not to be fast.
    if (isFast && this.#isAnnounced) this.#flush()
    fromCell.entered(this.#batch, number)
    if (!isFast) this.#flush()
    this.#isAnnounced = !isFast
    const before = this.elapsed()
    entry(run)
    const tookMs = this.elapsed() - before
    // It has begun, on another thread: its end is told by `left`.
    if (run.isInside) return
    if (known !== undefined) known.fastEntries = tookMs < FAST_ENTRY_MS ? known.fastEntries + 1 : 0
    this.#rest(number, run)
    if (tookMs >= FAST_ENTRY_MS) this.#flush()
  }

  /** No code of the run is running. */
  #rest(number: number, run: GuestRun): void {
    if (run.isWorking) run.awaitWork()
    else if (run.ending !== undefined) return this.#conclude(number)
    fromCell.yielded(this.#batch, number)
  }

  #conclude(number: number): void {
    const concluded = this.#runs.get(number)
    const ending = concluded?.run.ending
    if (concluded === undefined || ending === undefined) return
    this.#runs.delete(number)
    const telling = this.#inspections.get(number)?.close()
    this.#inspections.delete(number)
    if (telling === undefined) return this.#end(number, concluded, ending)
    void telling.then(() => {
      this.#end(number, concluded, ending)
      this.#flush()
    })
  }

  #end(number: number, concluded: Entered, ending: Ending): void {
    fromCell.done(this.#batch, number, ending.status, concluded.cold ? 'cold' : 'warm', ending.text)
    const { run, start } = concluded
    if (run.release() === 'spoiled' || this.#settings !== undefined) this.#supply?.retire(run.realm)
    else this.#supply?.give(run.realm, start)
  }

  #flush(): void {
    this.#isAnnounced = false
    if (this.#batch.size > 0) this.#socket.write(this.#batch.take())
  }

  #fillWhenIdle(): void {
    if (this.#supply?.short !== true) return
    setImmediate(() => {
      if (this.#runs.size === 0) this.#supply?.fill()
    })
  }
}
