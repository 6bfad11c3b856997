import type { Clock } from '../core/clock.ts'
import type { HostModule } from './host.ts'
import type { ShutdownSignal } from './shutdown.ts'
import type { ExitCode } from './stop.ts'
import type { Screen } from './terminal.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Everything a command touches outside itself, so that a test can stand in for the machine. */
export interface Context {
  readonly env: Environment
  readonly clock: Clock
  readonly stdin: AsyncIterable<Uint8Array | string>
  /** Results and nothing else. */
  readonly out: Screen
  /** Errors, logs of guests and remarks. */
  readonly err: Screen
  /** Loads the platform itself; takes a moment, so only what runs it here asks for it. */
  loadHost(): Promise<HostModule>
  listenForShutdown(): ShutdownSignal
  /** Sets what the process ends with; 0 if no command sets it. */
  finish(exit: ExitCode): void
}
