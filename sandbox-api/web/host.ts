import type { NativeValue } from '../bridge.ts'
import type { Answering } from './handler.ts'

/** What the runtime of the realm does for the web's own API. Set once, before any other module of this folder is read. */
export interface WebHost {
  /** The guest's present, in ms since the epoch; stands still between two entries if the policy freezes the clock. */
  now(): number
  /** When the realm was made, by the same clock. */
  readonly timeOrigin: number
  /** Does an operation of the cell's native code at once. Throws an Error whose message is `name: message`. */
  callNative(operation: string, args: readonly NativeValue[]): NativeValue
  /** Starts one that ends later: its number. */
  startNative(operation: string, args: readonly NativeValue[]): number
  /** Whether the policy grants a capability. */
  isGranted(capability: string): boolean
  /** Calls an operation of a capability. Rejects with an Error whose `code` says why. */
  callHost(operation: string, args: readonly unknown[]): Promise<unknown>
  /** Calls back in a turn of its own after `ms`. One of the run's timers. */
  setTimer(callback: () => void, ms: number): number
  clearTimer(timer: number): void
  /** An error that nobody caught: ends the run. */
  fail(error: unknown): void
  /** The guest's output is longer than the policy lets it be: ends the run. */
  exceed(): void
  /** The same for what it has streamed. */
  exceedStream(): void
}

/** What the cell tells of a rejection that nobody handled. */
export interface Rejection {
  readonly name: string
  readonly message: string
  readonly stack: string
  /** The reason itself, in a list, if it is a primitive that JSON can hold; an empty list means undefined. */
  readonly primitive?: readonly unknown[]
}

/** Calls an operation of a capability. Rejects with an error whose `code` says why. */
export type CallHost = (operation: string, args: readonly unknown[]) => Promise<unknown>

/** What the runtime of the realm asks of the web's own API. */
export interface Web {
  /** A new run begins: the timers of the one before are gone. */
  begin(): void
  /** A class, function or object by its global name. */
  get(name: string): unknown
  /** The value of an event handler of the global object, and its setter. */
  handler(name: string): { get(): unknown; set(value: unknown): void }
  /** Calls a guest's handler with the request that `input` describes, and describes its response, or sends it. */
  handleFetch(handle: (request: object) => unknown, input: unknown, answering: Answering): Promise<unknown>
  /** Whoever waits for the response has gone. */
  leave(): void
  /** Stores content of any kind under a key, and gets it back. */
  putBlob(call: CallHost, key: unknown, content: unknown, options: unknown): Promise<unknown>
  getBlob(call: CallHost, key: unknown, options: unknown): Promise<unknown>
  /** A native operation that was started has ended. */
  finish(task: number, value: NativeValue): void
  fail(task: number, fault: string): void
  /** Tells of an error that nobody caught. Returns whether the guest has dealt with it. */
  reportUncaught(error: unknown): boolean
  /** Tells of a promise that nobody handled the rejection of. Returns whether the guest has dealt with it. */
  reportRejection(reason: Rejection): boolean
}

let current: WebHost | undefined

export function setHost(host: WebHost): void {
  current = host
}

export function getHost(): WebHost {
  if (current === undefined) throw new Error('the web API is opened by the runtime only')
  return current
}

let runs = 0

export function beginRun(): void {
  runs += 1
}

/** Tells one run of a realm from the next. */
export function runNumber(): number {
  return runs
}
