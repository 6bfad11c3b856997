/** The classes of programs, in the order of the tables, and what a class tries. */
export const CLASSES = {
  time: 'run past the deadline',
  memory: 'take more memory than the limit',
  crash: 'bring the process down',
  boundary: 'reach or change what belongs to the host',
  leak: 'read what another run left behind',
  clock: 'find a clock finer than 100 µs',
  control: 'do ordinary work, which must succeed',
} as const

export type ProgramClass = keyof typeof CLASSES

/** What an engine may lack. A program that needs it counts for nothing there. */
export type Feature =
  'WebAssembly' | 'WebAssembly code' | 'SharedArrayBuffer' | 'Intl' | 'Float16Array' | 'ResizableArrayBuffer'

/**
 * A guest program: the body of an async function that sees `input`. Each is written for this comparison and is the same,
 * byte for byte, for every peer.
 */
export interface Program {
  readonly name: string
  readonly class: ProgramClass
  /** What it does, for the full table. */
  readonly does: string
  readonly code: string
  readonly needs?: Feature
  /** Another program that runs after it, in whatever the peer gives to a next run; its value is what is judged. */
  readonly next?: string
  /** The value, as JSON, that a control program must return. */
  readonly expected?: string
  /** Part of `--quick`. */
  readonly quick?: true
}

/** What every program gets as `input`. */
export interface Input {
  /** A file that belongs to the host. Its content is known to the bench alone: who returns it has read the file. */
  readonly canaryFile: string
  /** A file that no guest may create. */
  readonly markFile: string
  readonly n: number
}

/** What every run of a program may take. */
export const LIMITS = { wallMs: 500, memoryMb: 64 } as const

/**
 * Wall time of the everyday program. Longer than anybody else's, so that a busy machine does not pass for a host that answers
 * nobody.
 */
export const EVERYDAY_WALL_MS = 2_000
