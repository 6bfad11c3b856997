import type { NativeValue } from '../../sandbox-api/bridge.ts'
import type { Step } from './steps.ts'

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
  /** The run's code has asked for a module by `import()`. */
  wanted(run: number, load: number): void
  /** The wall time of a run that waits is over. */
  expired(run: number): void
  /** A slow entry of the run has ended. */
  left(run: number): void
}

/** Steps that end later than they begin: the run is inspected, see inspection.ts. */
export interface SlowSteps {
  /** What stands before the names of modules in stacks, and is not the guest's to see. */
  readonly origin: string
  /** Resolves when the run of the module `main` may begin. */
  begin(main: string): Promise<void>
  take(step: Step, timeoutMs: number): Promise<void>
}
