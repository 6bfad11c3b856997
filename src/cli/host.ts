/**
 * What the command line needs of the rest of the program when it runs in this process. `src/main.ts` satisfies it; it is
 * loaded only by a command that needs it, so that `--help` stays quick.
 */
import type { Config } from '../config.ts'
import type { Inspection } from '../core/inspection.ts'
import type { WallLevel } from '../core/run.ts'

export interface HostRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  /** Path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly payload?: string | Buffer
}

export interface HostAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | number | readonly string[] | undefined>>
  readonly body: string
  /** The same as bytes. */
  readonly rawPayload: Buffer
}

/** A process that runs guest code. */
export interface HostCell {
  readonly pid: number
  /** Absent while it is blank. */
  readonly tenant: string | undefined
}

/** One finding about this machine. */
export interface DoctorCheck {
  readonly name: string
  /** `missing`: it would make things better. `failed`: nothing works without it. `note`: for information. */
  readonly status: 'ok' | 'missing' | 'failed' | 'note'
  readonly detail: string
  /** The line to run, or to configure, that would mend it. */
  readonly fix?: string
}

export interface DoctorReport {
  readonly node: string
  readonly platform: string
  readonly kernel?: string
  readonly checks: readonly DoctorCheck[]
  readonly walls: WallLevel
}

/** Which names of the web's standard API a guest finds. */
export interface WebReport {
  readonly standard: string
  readonly found: number
  readonly total: number
  readonly missing: readonly string[]
  /** All names, in the order of the standard's parts. */
  readonly names: readonly { readonly part: string; readonly name: string; readonly isFound: boolean }[]
}

/** The whole platform in this process, over one data directory. Disposing it ends every cell and releases the directory. */
export interface Host extends AsyncDisposable {
  /** Answers one request of the HTTP API without a socket. */
  inject(request: HostRequest): Promise<HostAnswer>
  readonly adminKey: string
  readonly pool: { cells(): readonly HostCell[] }
  /** Opens the HTTP API. Rejects with Node's own error when the address cannot be had. */
  listen(): Promise<{ readonly url: string }>
  /** Resolves once blank cells are up. */
  ready(): Promise<void>
  doctor(): Promise<DoctorReport>
  /** Looks for the web's standard API in a real guest. Rejects when no guest can be run. */
  doctorWeb(): Promise<WebReport>
  /** Refuses new runs, finishes what runs within a bound, and commits. */
  drain(): Promise<void>
}

/** The part of `src/main.ts` that is used. */
export interface HostModule {
  /** Rejects with CONFLICT when another process has the data directory. */
  openHost(config: Config, inspection?: Inspection): Promise<Host>
}
