import type { LogLine } from './run.ts'

/** What the cells of a host are inspected for. `debugger`: the run waits for one to attach, and has no time limits. */
export type InspectionMode = 'debugger' | 'profile'

/**
 * Who looks into the runs of a host. Only a host within the process of a developer's own command has one: it opens the
 * guest's code and data to whoever it lets in. A server never has.
 */
export interface Inspection {
  readonly mode: InspectionMode
  /** What debuggers and profiles find before the names of the submitted modules: the URL of their folder, or nothing. */
  readonly origin: string
  /** A run has been sent to a cell, which waits for a debugger before it starts it. */
  began(run: InspectedRun): void
  /** A message of the Chrome DevTools Protocol from the run. It is the guest's, as far as trust goes. */
  received(message: string): void
  /** The profile of the run as JSON text. It is the guest's, too. */
  profiled(profile: string): void
  logged(line: LogLine): void
  /** The run that began last is over. */
  ended(): void
}

/** A run that can be inspected, from the outside. Does nothing once the run is over. */
export interface InspectedRun {
  /** Hands on a message of the Chrome DevTools Protocol. */
  send(message: string): void
  /** The debugger has gone: a run that it holds goes on. */
  detach(): void
}
