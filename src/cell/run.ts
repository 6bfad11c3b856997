import { BRIDGE, ENDING, ENTRY, type NativeValue } from '../../sandbox-api/bridge.ts'
import type { CellStatus } from '../wire/from-cell.ts'
import type { Answer, CellArtifact } from '../wire/to-cell.ts'
import { UNPLACED, errorText, textOf, timeoutText, withoutRuntimeFrames } from './error-text.ts'
import { linkArtifact } from './modules.ts'
import { NativeWork } from './native/work.ts'
import { CLOSED, type Realm, bindModule, refuse } from './realm.ts'

/** How a run ended, as the cell saw it. */
export interface Ending {
  readonly status: CellStatus
  /** JSON text: the result, or `{name, message, stack}`. */
  readonly text: string
}

/** What a run needs of its cell. */
export interface RunHost {
  /** Milliseconds that never go back. */
  elapsed(): number
  /** Sends a capability call. */
  call(run: number, call: number, operation: string, payload: string): void
  log(run: number, level: number, message: string): void
  /** A timer of the run is due. */
  due(run: number, timer: number): void
  /** Native work of the run has ended. `value` is what it gave, or what went wrong. */
  worked(run: number, task: number, ok: boolean, value: NativeValue): void
  /** The wall time of a run that waits is over. */
  expired(run: number): void
  /** A slow entry of the run has ended. */
  left(run: number): void
}

/** Entries that end later than they begin: the run is inspected, see inspection.ts. */
export interface SlowEntries {
  /** What stands before the names of modules in stacks, and is not the guest's to see. */
  readonly origin: string
  /** Links and evaluates the code, and hands its exports to the runtime. */
  bind(artifact: CellArtifact, timeoutMs: number): Promise<void>
  apply(entry: number, a: unknown, b: unknown, timeoutMs: number): Promise<void>
}

/** isolated-vm's own words for its own limit; a guest that says the same is told apart by the clock. */
const TIMED_OUT = 'Script execution timed out.'

/** V8's words for memory that it could not have: a limit of the run's, though its code could have caught it. */
const NO_MEMORY = /Array buffer allocation failed|\bOut of memory\b|could not allocate memory/

/** Rejections of a run that are logged; a guest can make any number of them. */
const REJECTIONS_LOGGED_MAX = 20

/**
 * One run of guest code in a realm. Each entry into the isolate carries the time that is left. The cell drives it:
 * `start`, then `answer` and `fire` for as long as `ending` is undefined.
 */
export class GuestRun {
  readonly number: number
  readonly realm: Realm
  readonly #host: RunHost
  readonly #deadlineMs: number
  readonly #slow: SlowEntries | undefined
  /** Slow entries that have not ended. */
  #inside = 0
  readonly #timers = new Map<number, NodeJS.Timeout>()
  #expiry: NodeJS.Timeout | undefined
  #rejections = 0
  #calls = 0
  readonly #work: NativeWork
  #waiting = 0
  #ending: Ending | undefined

  constructor(number: number, realm: Realm, wallMs: number, host: RunHost, slow?: SlowEntries) {
    this.number = number
    this.realm = realm
    this.#host = host
    this.#slow = slow
    this.#deadlineMs = host.elapsed() + wallMs
    realm.bridge = (kind, a, b) => this.#serve(kind, a, b)
    this.#work = new NativeWork(realm.handles, (task, ok, value) => host.worked(number, task, ok, value))
    realm.native = this.#work
  }

  get ending(): Ending | undefined {
    return this.#ending
  }

  /** Whether guest code is running on another thread. */
  get isInside(): boolean {
    return this.#inside > 0
  }

  /** Evaluates the code if the realm does not hold it yet, then calls the guest's function. */
  start(artifact: CellArtifact | undefined, input: string, context: string): void {
    this.#enter((timeoutMs) => {
      if (this.realm.artifact === undefined) {
        if (artifact === undefined) throw new Error('the code of this run was not sent')
        if (this.#slow !== undefined) return this.#startSlowly(artifact, input, context, this.#slow)
        bindModule(this.realm, linkArtifact(this.realm.isolate.vm, this.realm.context, artifact), timeoutMs)
        this.realm.artifact = artifact.number
      }
      return this.#apply(ENTRY.start, input, context)
    })
  }

  async #startSlowly(artifact: CellArtifact, input: string, context: string, slow: SlowEntries): Promise<void> {
    await slow.bind(artifact, this.#timeLeftMs())
    this.realm.artifact = artifact.number
    await slow.apply(ENTRY.start, input, context, this.#timeLeftMs())
  }

  /** The host's answer to a capability call. */
  answer({ call, ok, text }: Answer): void {
    this.#waiting -= 1
    this.#enter(() => this.#apply(ok ? ENTRY.resolve : ENTRY.reject, call, text))
  }

  /** A timer is due. */
  fire(timer: number): void {
    if (!this.#timers.delete(timer)) return
    this.#enter(() => this.#apply(ENTRY.timer, timer, ''))
  }

  /** Native work has ended. */
  finish(task: number, ok: boolean, value: unknown): void {
    this.#enter(() => this.#apply(ok ? ENTRY.finish : ENTRY.fail, task, value))
  }

  /** The wall time is over while the run waits. */
  expire(): void {
    this.#finish('timeout', timeoutText())
  }

  /** Ends the run from outside: its caller has gone. */
  cancel(): void {
    this.#finish('cancelled', errorText('Error', 'the run was cancelled'))
  }

  /** Stops listening to the realm. Returns whether the isolate may be used again. */
  release(): 'clean' | 'spoiled' {
    this.realm.bridge = refuse
    this.realm.native = CLOSED
    clearTimeout(this.#expiry)
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    const spoiled =
      this.realm.isolate.vm.isDisposed || this.#waiting > 0 || this.#work.pending > 0 || !endedByItself(this.#ending)
    return spoiled ? 'spoiled' : 'clean'
  }

  #apply(entry: number, a: string | number, b: unknown): void | Promise<void> {
    if (this.#slow !== undefined) return this.#slow.apply(entry, a, b, this.#timeLeftMs())
    this.realm.enter.applySync(undefined, [entry, a, b as string], { timeout: this.#timeLeftMs() })
  }

  #timeLeftMs(): number {
    // 0 would mean no limit at all.
    return Math.max(1, Math.ceil(this.#deadlineMs - this.#host.elapsed()))
  }

  #enter(action: (timeoutMs: number) => void | Promise<void>): void {
    if (this.#host.elapsed() >= this.#deadlineMs) {
      this.#finish('timeout', timeoutText())
      return
    }
    try {
      const entered = action(this.#timeLeftMs())
      if (entered !== undefined) return this.#leaveLater(entered)
    } catch (thrown) {
      this.#classify(thrown)
    }
    this.#rest()
  }

  #leaveLater(entered: Promise<void>): void {
    this.#inside += 1
    void entered
      .catch((thrown: unknown) => this.#classify(thrown))
      .then(() => {
        this.#inside -= 1
        if (this.#inside === 0) this.#rest()
        this.#host.left(this.number)
      })
  }

  /** No code of the run is running: it is over, or something will enter it again. */
  #rest(): void {
    if (this.#ending !== undefined) return
    if (this.#waiting > 0 || this.#timers.size > 0 || this.#work.pending > 0) {
      // The time of an entry is isolated-vm's to watch; the time between two entries is this timer's.
      this.#expiry ??= setTimeout(
        () => this.#host.expired(this.number),
        Math.max(0, this.#deadlineMs - this.#host.elapsed()),
      )
    } else {
      this.#finish(
        'error',
        errorText('Error', 'the code waits for a promise that nothing can settle: no call and no timer is pending'),
      )
    }
  }

  /** Everything that an entry throws is the guest's text, unless it is isolated-vm's word for a limit. */
  #classify(thrown: unknown): void {
    const message = textOf(thrown, 'message')
    if (this.realm.isolate.vm.isDisposed) {
      this.#finish('memory-exceeded', errorText('Error', 'the heap of the isolate reached its limit'), 'override')
    } else if (message === TIMED_OUT && this.#host.elapsed() >= this.#deadlineMs - 1) {
      this.#finish('timeout', timeoutText(), 'override')
    } else if (this.realm.artifact === undefined) {
      // The code could not be compiled, linked or evaluated.
      const [text, stack] = [message, textOf(thrown, 'stack')].map((part) => this.#named(part.replaceAll(UNPLACED, '')))
      this.#finish('error', errorText(textOf(thrown, 'name') || 'Error', text ?? '', stack))
    } else if (this.#rejections < REJECTIONS_LOGGED_MAX) {
      // Every other error is caught inside the isolate, so this is a rejection that nobody handled. The run goes on.
      this.#rejections += 1
      this.#tellOfRejection(thrown)
    }
  }

  /** The guest may have a handler for it. */
  #tellOfRejection(thrown: unknown): void {
    const reason = { name: textOf(thrown, 'name'), message: textOf(thrown, 'message'), stack: textOf(thrown, 'stack') }
    this.#enter(() => this.#apply(ENTRY.rejection, this.#cleaned(JSON.stringify(reason)), ''))
  }

  #serve(kind: number, a: string | number, b: string | number): number {
    if (this.#ending !== undefined) return 0
    switch (kind) {
      case BRIDGE.call:
        // Counted once it is sent: a guest that calls with the stack nearly full may have the sending fail.
        this.#host.call(this.number, this.#calls + 1, a as string, b as string)
        this.#calls += 1
        this.#waiting += 1
        return this.#calls
      case BRIDGE.log:
        this.#host.log(this.number, a as number, b as string)
        return 0
      case BRIDGE.settle:
        this.#settle(a as number, b as string)
        return 0
      case BRIDGE.setTimer:
        this.#timers.set(
          a as number,
          setTimeout(() => this.#host.due(this.number, a as number), b as number),
        )
        return 0
      case BRIDGE.clearTimer:
        clearTimeout(this.#timers.get(a as number))
        this.#timers.delete(a as number)
        return 0
      default:
        return 0
    }
  }

  #settle(ending: number, text: string): void {
    if (ending === ENDING.value) this.#finish('ok', text)
    else if (ending === ENDING.tooLong) this.#finish('output-exceeded', text)
    else if (NO_MEMORY.test(text)) this.#finish('memory-exceeded', this.#cleaned(text))
    else this.#finish('error', this.#cleaned(text))
  }

  /** An error as JSON, with the tenant's own lines only. */
  #cleaned(error: string): string {
    return withoutRuntimeFrames(this.#named(error))
  }

  /** A text in which modules go by the names that they were submitted under. */
  #named(text: string): string {
    return this.#slow === undefined || this.#slow.origin === '' ? text : text.replaceAll(this.#slow.origin, '')
  }

  #finish(status: CellStatus, text: string, mode: 'first' | 'override' = 'first'): void {
    if (this.#ending === undefined || mode === 'override') this.#ending = { status, text }
  }
}

/** Whether the guest came to its own end, so that nothing of the run is still going on in the isolate. */
function endedByItself(ending: Ending | undefined): boolean {
  return ending?.status === 'ok' || ending?.status === 'error' || ending?.status === 'output-exceeded'
}
