import { CloisterError } from '../core/errors.ts'
import { type NanoUsd, nanoUsd } from '../core/quantity.ts'

const USD = /^(\d{1,9})(?:\.(\d{1,9}))?$/
const FRACTION_DIGITS = 9
const NANO = 10n ** BigInt(FRACTION_DIGITS)

/**
 * Reads an amount of dollars exactly: `"12.50"`, or a number whose shortest decimal form is one. Throws INVALID_REQUEST,
 * naming the field, for anything that is not 0 to 999999999 with at most nine decimals; nothing is ever rounded.
 */
export function parseUsd(value: string | number, field: string): NanoUsd {
  const match = USD.exec(String(value))
  if (match === null) {
    const bound = 'an amount is 0 to 999999999 with at most 9 decimals, as "12.50"'
    throw new CloisterError('INVALID_REQUEST', `${field} is ${JSON.stringify(value)}; ${bound}`)
  }
  const [, whole = '0', fraction = ''] = match
  return nanoUsd(BigInt(whole) * NANO + BigInt(fraction.padEnd(FRACTION_DIGITS, '0')))
}

/** Writes an amount exactly, with at least two decimals: `"12.50"`, `"0.000000001"`. */
export function formatUsd(amount: NanoUsd): string {
  const fraction = (amount % NANO).toString().padStart(FRACTION_DIGITS, '0')
  return `${amount / NANO}.${fraction.replace(/0{1,7}$/, '')}`
}
