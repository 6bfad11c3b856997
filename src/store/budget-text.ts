import { nanoUsd } from '../core/quantity.ts'
import type { Allowance, Budget } from '../core/stores.ts'

interface AllowanceText {
  readonly units?: number
  readonly money?: string
}

/** A budget as JSON text. Money is written as text, because JSON readers lose digits of large numbers. */
export function encodeBudget({ day, month }: Budget): string {
  return JSON.stringify({ ...(day && { day: allowanceText(day) }), ...(month && { month: allowanceText(month) }) })
}

/** Reads what {@link encodeBudget} wrote. */
export function decodeBudget(text: string): Budget {
  const { day, month } = JSON.parse(text) as { day?: AllowanceText; month?: AllowanceText }
  return { ...(day && { day: allowanceOf(day) }), ...(month && { month: allowanceOf(month) }) }
}

function allowanceText({ units, money }: Allowance): AllowanceText {
  return { ...(units !== undefined && { units }), ...(money !== undefined && { money: String(money) }) }
}

function allowanceOf({ units, money }: AllowanceText): Allowance {
  return { ...(units !== undefined && { units }), ...(money !== undefined && { money: nanoUsd(BigInt(money)) }) }
}
