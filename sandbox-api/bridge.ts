/** What the cell does for the runtime: one function, primitives in, a number out. The guest never holds it. */
export type Bridge = (kind: number, a: string | number, b: string | number) => number

/** What crosses to and from the cell's native code: primitives, and bytes as a copy of their own. */
export type NativeValue = string | number | boolean | undefined | Uint8Array

/**
 * The second thing that the cell does for the runtime: native code (URLs, encodings, cryptography, compression). What goes
 * wrong in an operation is thrown as an Error whose message is `name: message`. The guest never holds it.
 */
export type NativeBridge = (kind: number, operation: string, ...args: readonly NativeValue[]) => unknown

/** Kinds of {@link NativeBridge} calls. */
export const NATIVE = {
  /** Does an operation at once and gives its value. */
  call: 0,
  /** Starts an operation that ends later; gives the number under which `finish` or `fail` of {@link ENTRY} tells of it. */
  start: 1,
  /** Gives the function that opens the web's own API: `open` of web/main.ts, loaded into this realm. */
  load: 2,
} as const

/** Kinds of {@link Bridge} calls. */
export const BRIDGE = {
  /** a: operation, b: arguments as JSON → number of the call. */
  call: 1,
  /** a: level 0 debug … 3 error, b: message. */
  log: 2,
  /** a: one of {@link ENDING}, b: text. The last word of a run. */
  settle: 3,
  /** a: number of the timer, b: delay in ms. */
  setTimer: 4,
  /** a: number of the timer. */
  clearTimer: 5,
  /** a: importing module, and on a line of its own the type if there is one; b: specifier → number of the import, or 0. */
  load: 6,
  /** The main module is evaluated, and its function known. */
  bound: 7,
  /** The function has returned: the answer waits for promises that were given to `waitUntil`. */
  holds: 8,
  /** The run answers a client that it streams to: it is told by `leave` of {@link ENTRY} should that go away. */
  watches: 9,
  /** A step waits for what only comes in a later run: when nothing else can happen, the run is suspended. */
  suspends: 10,
} as const

/** How the guest's code ended, as far as the runtime can tell. */
export const ENDING = { value: 0, error: 1, tooLong: 2 } as const

/** What the cell asks of the runtime: the first argument of the function that {@link file://./main.ts} returns. */
export const ENTRY = {
  /** b: the watcher of the main module; src/cell/door.ts says what that is. */
  bind: 0,
  /** a: input as JSON, b: context as JSON. The guest's function is called once it is bound. */
  start: 1,
  /** a: number of the call, b: value as JSON. */
  resolve: 2,
  /** a: number of the call, b: `{code, message}` as JSON. */
  reject: 3,
  /** a: number of the timer. */
  timer: 4,
  /** a: {@link RuntimeLimits} as JSON. Comes once, before any guest code. */
  assign: 5,
  /** a: number of the native operation, b: its value. */
  finish: 6,
  /** a: number of the native operation, b: `name: message`. */
  fail: 7,
  /** a: what a promise that nobody handled was rejected with, as `{name, message, stack}` in JSON. */
  rejection: 8,
  /** b: the door module. Comes before any module that needs it is evaluated. */
  door: 9,
  /** a: number of the import, b: the watcher of its module. */
  loaded: 10,
  /** a: number of the import, b: `{name, message, stack}` as JSON. */
  unloadable: 11,
  /** Whoever waits for the answer has gone. The run's last entry. */
  leave: 12,
} as const

/**
 * Longest arguments of one call as JSON, in UTF-16 units: two values of the largest size that a policy can grant (what
 * `compareAndSet` takes), with their key and options. The wire has room for it at three bytes a unit.
 */
export const CALL_LENGTH_MAX = (2 << 20) + (64 << 10)

/** Bounds that the runtime keeps by itself, so that a run ends with a clear error; the host checks them again. */
export interface RuntimeLimits {
  readonly outputBytes: number
  readonly logBytes: number
  readonly logLines: number
  readonly pendingCalls: number
  readonly timers: number
  /** Names of the granted capabilities. What is not here does not exist in the guest. */
  readonly capabilities: readonly string[]
  readonly engine: GuestEngine
}

/** What of the policy's `engine` is arranged inside a realm; src/core/policy.ts says what each means. */
export interface GuestEngine {
  readonly wasm: boolean
  readonly eval: boolean
  readonly temporal: boolean
  readonly clock: 'frozen' | 'live'
  readonly sharedMemory: boolean
}
