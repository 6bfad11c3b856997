import assert from 'node:assert/strict'
import { type NanoUsd, nanoUsd } from '../core/quantity.ts'

/**
 * Exact arithmetic for prices. No floating-point number is anywhere near money: a price is read from decimal text into
 * a fraction of integers, and an amount is a whole number of billionths of a dollar.
 */
export interface Rational {
  readonly numerator: bigint
  /** Above zero. */
  readonly denominator: bigint
}

/** What a price must look like. The bounds keep every bill line readable; real prices are far inside them. */
export const DECIMAL_PATTERN = /^(0|[1-9][0-9]{0,8})(\.[0-9]{1,12})?$/
/** The most decimals that are looked for: 12 of a price and 11 from dividing by 10240, with room to spare. */
const DECIMALS_MAX = 40
const NANO_DECIMALS = 9

/** Reads `0.20` as 1/5, without loss. Undefined if the text is not of {@link DECIMAL_PATTERN}: no sign, no exponent. */
export function parseDecimal(text: string): Rational | undefined {
  if (!DECIMAL_PATTERN.test(text)) return undefined
  const [whole = '', decimals = ''] = text.split('.')
  return reduced(BigInt(whole + decimals), 10n ** BigInt(decimals.length))
}

/** A fraction in lowest terms. */
export function reduced(numerator: bigint, denominator: bigint): Rational {
  const divisor = greatestCommonDivisor(numerator, denominator)
  return { numerator: numerator / divisor, denominator: denominator / divisor }
}

/** Writes a fraction as its shortest exact decimal text. Asserts that there is one: 1/3 is a bug of the caller. */
export function formatDecimal({ numerator, denominator }: Rational): string {
  let scaled = numerator
  let decimals = 0
  while (scaled % denominator !== 0n) {
    assert(decimals < DECIMALS_MAX, 'a quantity or price has no finite decimal text')
    scaled *= 10n
    decimals += 1
  }
  return withPoint(scaled / denominator, decimals)
}

/** An amount in dollars with exactly nine decimals: 408 → `0.000000408`. Nothing is rounded. */
export function formatNanoUsd(amount: NanoUsd): string {
  return amount < 0n ? `-${withPoint(-amount, NANO_DECIMALS)}` : withPoint(amount, NANO_DECIMALS)
}

/** The one rounding of money: to the nearest whole number, a half upwards. Takes what is not negative. */
export function roundHalfUp({ numerator, denominator }: Rational): NanoUsd {
  return nanoUsd((2n * numerator + denominator) / (2n * denominator))
}

/** The smallest number that both divide; both above zero. */
export function leastCommonMultiple(left: bigint, right: bigint): bigint {
  return (left / greatestCommonDivisor(left, right)) * right
}

function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  return right === 0n ? left : greatestCommonDivisor(right, left % right)
}

function withPoint(digits: bigint, decimals: number): string {
  const text = digits.toString().padStart(decimals + 1, '0')
  return decimals === 0 ? text : `${text.slice(0, -decimals)}.${text.slice(-decimals)}`
}
