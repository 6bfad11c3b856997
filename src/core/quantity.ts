/**
 * Numbers that have a unit. The unit is a type, so two quantities that are swapped by mistake do not compile.
 * Where a number leaves the type system (JSON, logs, environment) the unit ends its name instead: `wallMs`, `heapBytes`.
 */
declare const unit: unique symbol

/** A number with the unit `U`. It is an ordinary number at run time. */
export type Quantity<U extends string> = number & { readonly [unit]: U }

/** A length of time in milliseconds. May have a fraction. */
export type Millis = Quantity<'ms'>
/** A length of time in whole microseconds: what the ledger stores. */
export type Micros = Quantity<'µs'>
/** A point in time: milliseconds since 1970-01-01T00:00Z. */
export type EpochMillis = Quantity<'ms since 1970'>
/** A number of bytes. */
export type Bytes = Quantity<'B'>
/** Configured memory, in units of 2^20 bytes. */
export type Mebibytes = Quantity<'MiB'>
/** Billing units of 100 ms each. */
export type Units = Quantity<'unit'>
/** An amount of money: billionths of a US dollar, always a whole number. */
export type NanoUsd = bigint & { readonly [unit]: 'nUSD' }

export const millis = (value: number): Millis => value as Millis
export const micros = (value: number): Micros => value as Micros
export const epochMillis = (value: number): EpochMillis => value as EpochMillis
export const bytes = (value: number): Bytes => value as Bytes
export const mebibytes = (value: number): Mebibytes => value as Mebibytes
export const units = (value: number): Units => value as Units
export const nanoUsd = (value: bigint): NanoUsd => value as NanoUsd

/** Microseconds as milliseconds, for people: 12400 → 12.4. */
export const microsToMillis = (value: Micros): Millis => millis(value / 1_000)
/** Milliseconds as whole microseconds, rounded up so that time is never lost to rounding. */
export const millisToMicros = (value: Millis): Micros => micros(Math.ceil(value * 1_000))
