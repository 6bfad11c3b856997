import { BRIDGE, ENTRY } from '../../sandbox-api/bridge.ts'
import { memoryReached, wallReached } from '../core/limit-messages.ts'
import type { CellStatus } from '../wire/from-cell.ts'
import type { Answer, CellArtifact } from '../wire/to-cell.ts'
import { type Ending, endedByItself, toldEnding } from './ending.ts'
import { errorText, textOf, thrownText, withoutOrigin } from './error-text.ts'
import { NativeWork } from './native/work.ts'
import { CLOSED, type Realm, refuse } from './realm.ts'
import { RunCode } from './run-code.ts'
import type { RunHost, SlowSteps } from './run-host.ts'
import { RunTimers } from './run-timers.ts'
import { type Steps, apply, takeStep, walk, walkSlowly } from './steps.ts'
import { type NEVER, TIMED_OUT, neverText, rejectionText } from './texts.ts'

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
  readonly #wallMs: number
  readonly #deadlineMs: number
  readonly #slow: SlowSteps | undefined
  readonly #origin: string
  /** Slow entries that have not ended, and the last of them. */
  #inside = 0
  #last = Promise.resolve()
  readonly #timers = new RunTimers()
  readonly #code: RunCode
  #expiry: NodeJS.Timeout | undefined
  #rejections = 0
  /** The guest is being told of a rejection. What that has it log counts, even if its answer is there already. */
  #isTelling = false
  #calls = 0
  readonly #work: NativeWork
  #waiting = 0
  #waitsFor: keyof typeof NEVER | 'resumption' = 'function'
  /** Whether the guest wants to know of its caller's leaving. */
  #isWatching = false
  #ending: Ending | undefined

  constructor(number: number, realm: Realm, wallMs: number, host: RunHost, slow?: SlowSteps) {
    this.number = number
    this.realm = realm
    this.#host = host
    this.#wallMs = wallMs
    this.#slow = slow
    this.#origin = slow?.origin ?? ''
    this.#deadlineMs = host.elapsed() + wallMs
    realm.bridge = (kind, a, b) => this.#serve(kind, a, b)
    this.#work = new NativeWork(realm.handles, (task, ok, value) => host.worked(number, task, ok, value))
    realm.native = this.#work
    this.#code = new RunCode(realm, {
      origin: this.#origin,
      isLimit: (thrown) => realm.isolate.vm.isDisposed || this.#isTimeout(thrown),
    })
  }

  get ending(): Ending | undefined {
    return this.#ending
  }

  /** Whether guest code is running, or about to, on another thread. */
  get isInside(): boolean {
    return this.#inside > 0
  }

  /** Native work goes on that the ended code did not wait for. It is charged to the run, which has until its deadline. */
  get isWorking(): boolean {
    return endedByItself(this.#ending) && this.#work.pending > 0
  }

  /** Waits for the end of native work, or for the deadline. What has not begun will not. */
  awaitWork(): void {
    this.#work.close()
    this.#expireInTime()
  }

  /** Calls the guest's function with the input; evaluates the code first if the realm does not hold it yet. */
  start(artifact: CellArtifact | undefined, input: string, context: string): void {
    this.#enter(() => {
      const begin = (): void | Promise<void> => this.#begin(artifact, input, context)
      return this.#slow === undefined ? begin() : this.#slow.begin(artifact?.main ?? '').then(begin)
    })
  }

  #begin(artifact: CellArtifact | undefined, input: string, context: string): void | Promise<void> {
    if (this.realm.artifact !== undefined) return this.#apply(ENTRY.start, input, context)
    return this.#walk(this.#code.load(artifact, apply(ENTRY.start, input, context)))
  }

  /** A module that the code has asked for is looked for, linked and evaluated. */
  load(load: number): void {
    this.#enter(() => this.#walk(this.#code.import(load)))
  }

  /** The host's answer to a capability call. */
  answer({ call, ok, text }: Answer): void {
    this.#waiting -= 1
    this.#enter(() => this.#apply(ok ? ENTRY.resolve : ENTRY.reject, call, text))
  }

  /** A timer is due. */
  fire(timer: number): void {
    if (!this.#timers.clear(timer)) return
    this.#enter(() => this.#apply(ENTRY.timer, timer, ''))
  }

  /** Native work has ended. */
  finish(task: number, ok: boolean, value: unknown): void {
    this.#enter(() => this.#apply(ok ? ENTRY.finish : ENTRY.fail, task, value))
  }

  /** The wall time is over. */
  expire(): void {
    this.#finish('timeout', this.#timeoutText())
  }

  /**
   * Ends the run from outside: its caller has gone. A guest that streams is told so, in an entry that is its last; that it
   * comes to an end in it changes nothing.
   */
  cancel(): void {
    if (this.#isWatching && this.#ending === undefined && this.#slow === undefined) {
      this.#enter(() => this.#apply(ENTRY.leave, '', ''))
      if (endedByItself(this.#ending)) this.#ending = undefined
    }
    this.#finish('cancelled', errorText('Error', 'the run was cancelled'))
  }

  /** Stops listening to the realm. Returns whether the isolate may be used again. */
  release(): 'clean' | 'spoiled' {
    this.realm.bridge = refuse
    this.realm.native = CLOSED
    this.realm.loader?.forget()
    this.#work.close()
    clearTimeout(this.#expiry)
    this.#timers.clearAll()
    const spoiled =
      this.realm.isolate.vm.isDisposed || this.#waiting > 0 || this.#work.pending > 0 || !endedByItself(this.#ending)
    return spoiled ? 'spoiled' : 'clean'
  }

  #walk(steps: Steps): void | Promise<void> {
    const slow = this.#slow
    if (slow !== undefined) return walkSlowly(steps, (step) => slow.take(step, this.#timeLeftMs()))
    walk(steps, (step) => takeStep(this.realm, step, this.#timeLeftMs()))
  }

  #apply(entry: number, a: string | number, b: unknown): void | Promise<void> {
    if (this.#slow !== undefined) return this.#slow.take(apply(entry, a, b), this.#timeLeftMs())
    this.realm.enter.applySync(undefined, [entry, a, b as string], { timeout: this.#timeLeftMs() })
  }

  #timeLeftMs(): number {
    // 0 would mean no limit at all.
    return Math.max(1, Math.ceil(this.#deadlineMs - this.#host.elapsed()))
  }

  #enter(action: () => void | Promise<void>): void {
    // No code of a run that is over runs again.
    if (this.#ending !== undefined) return
    if (this.#host.elapsed() >= this.#deadlineMs) {
      this.#finish('timeout', this.#timeoutText())
      return
    }
    if (this.#slow !== undefined) return this.#enterLater(action)
    try {
      void action()
    } catch (thrown) {
      void this.#walk(this.#classify(thrown))
    }
    this.#rest()
  }

  /** Entries follow each other: nothing is compiled or linked on this thread while another one is in the isolate. */
  #enterLater(action: () => void | Promise<void>): void {
    this.#inside += 1
    this.#last = this.#last
      .then(action)
      .catch((thrown: unknown) => this.#walk(this.#classify(thrown)))
      .then(() => {
        this.#inside -= 1
        if (this.#inside === 0) this.#rest()
        this.#host.left(this.number)
      })
  }

  /** No code of the run is running: it is over, or something will enter it again. */
  #rest(): void {
    if (this.#ending !== undefined) return
    const isWanting = this.realm.loader?.isWanted === true
    if (this.#waiting > 0 || this.#timers.size > 0 || this.#work.pending > 0 || isWanting) this.#expireInTime()
    else if (this.#waitsFor === 'resumption') this.#finish('suspended', '')
    else this.#finish('error', neverText(this.realm.artifact === undefined ? 'module' : this.#waitsFor))
  }

  /** The time of an entry is isolated-vm's to watch; the time between two entries is this timer's. */
  #expireInTime(): void {
    const leftMs = Math.max(0, this.#deadlineMs - this.#host.elapsed())
    this.#expiry ??= setTimeout(() => this.#host.expired(this.number), leftMs)
  }

  #isTimeout(thrown: unknown): boolean {
    return textOf(thrown, 'message') === TIMED_OUT && this.#host.elapsed() >= this.#deadlineMs - 1
  }

  /** Everything that an entry throws is the guest's text, unless it is isolated-vm's word for a limit. */
  *#classify(thrown: unknown): Steps {
    if (this.realm.isolate.vm.isDisposed) {
      this.#finish('memory-exceeded', errorText('Error', memoryReached(this.realm.isolate.memoryMb)), 'override')
    } else if (this.#isTimeout(thrown)) {
      this.#finish('timeout', this.#timeoutText(), 'override')
    } else {
      const fault = yield* this.#code.faultOf(thrown)
      if (fault !== undefined) this.#finish('error', thrownText(fault.thrown, this.#origin))
      else if (!(yield* this.#code.rejectFailed()) && this.#rejections < REJECTIONS_LOGGED_MAX) {
        // Every other error is caught inside the isolate, so this is a rejection that nobody handled. The run goes on.
        this.#rejections += 1
        yield* this.#tellOfRejection(thrown)
      }
    }
  }

  /** The guest may have a handler for it. */
  *#tellOfRejection(thrown: unknown): Steps {
    if (this.#host.elapsed() >= this.#deadlineMs) return this.#finish('timeout', this.#timeoutText())
    this.#isTelling = true
    try {
      yield apply(ENTRY.rejection, rejectionText(thrown, this.#origin), '')
    } catch (next) {
      yield* this.#classify(next)
    }
    this.#isTelling = false
  }

  #serve(kind: number, a: string | number, b: string | number): number {
    if (this.#ending !== undefined && !(this.#isTelling && kind === BRIDGE.log)) return 0
    switch (kind) {
      case BRIDGE.call:
        // Counted once it is sent: a guest that calls with the stack nearly full may have the sending fail.
        this.#host.call(this.number, this.#calls + 1, a as string, b as string)
        this.#calls += 1
        this.#waiting += 1
        return this.#calls
      case BRIDGE.log:
        this.#host.log(this.number, a as number, withoutOrigin(b as string, this.#origin))
        break
      case BRIDGE.settle:
        this.#settle(a as number, b as string)
        break
      case BRIDGE.setTimer:
        this.#timers.set(a as number, b as number, () => this.#host.due(this.number, a as number))
        break
      case BRIDGE.clearTimer:
        this.#timers.clear(a as number)
        break
      case BRIDGE.load:
        return this.#want(a as string, b as string)
      case BRIDGE.bound:
        this.#code.bound()
        break
      case BRIDGE.holds:
        if (this.#waitsFor === 'function') this.#waitsFor = 'waitUntil'
        break
      case BRIDGE.suspends:
        this.#waitsFor = 'resumption'
        break
      case BRIDGE.watches:
        this.#isWatching = true
    }
    return 0
  }

  #timeoutText(): string {
    return errorText('Error', wallReached(this.#wallMs))
  }

  #want(about: string, specifier: string): number {
    const load = this.realm.loader?.want(about, specifier) ?? 0
    // Not within this entry: what is compiled and evaluated gets a turn, and an entry, of its own.
    if (load > 0) setImmediate(() => this.#host.wanted(this.number, load))
    return load
  }

  #settle(ending: number, given: string): void {
    const { memoryMb } = this.realm.isolate
    const { status, text } = toldEnding(ending, given, { origin: this.#origin, memoryMb })
    this.#finish(status, text)
  }

  #finish(status: CellStatus, text: string, mode: 'first' | 'override' = 'first'): void {
    if (this.#ending === undefined || mode === 'override') this.#ending = { status, text }
  }
}
