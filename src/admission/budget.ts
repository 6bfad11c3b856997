import { CloisterError } from '../core/errors.ts'
import type { Allowance, Budget } from '../core/stores.ts'
import { formatUsd, parseUsd } from './usd.ts'

/** A change of one ceiling: what is absent stays as it is, null clears. */
export interface AllowanceChange {
  readonly units?: number | null | undefined
  /** Dollars, read exactly. */
  readonly usd?: string | number | null | undefined
}

/** A change of a budget: what is absent stays as it is, null clears. */
export interface BudgetChange {
  readonly day?: AllowanceChange | null | undefined
  readonly month?: AllowanceChange | null | undefined
}

interface AllowanceView {
  readonly units?: number
  readonly usd?: string
}

/** A budget as JSON. */
export interface BudgetView {
  readonly day?: AllowanceView
  readonly month?: AllowanceView
}

/** The budget after a change. Throws INVALID_REQUEST naming the field. */
export function changeBudget(budget: Budget, change: BudgetChange | null | undefined): Budget {
  if (change === undefined) return budget
  if (change === null) return {}
  const day = changeAllowance(budget.day, change.day, 'budget.day')
  const month = changeAllowance(budget.month, change.month, 'budget.month')
  return { ...(day && { day }), ...(month && { month }) }
}

export function viewBudget({ day, month }: Budget): BudgetView {
  return { ...(day && { day: viewAllowance(day) }), ...(month && { month: viewAllowance(month) }) }
}

function changeAllowance(
  allowance: Allowance | undefined,
  change: AllowanceChange | null | undefined,
  field: string,
): Allowance | undefined {
  if (change === undefined) return allowance
  if (change === null) return undefined
  const units = pick(allowance?.units, change.units, (value) => checkUnits(value, `${field}.units`))
  const money = pick(allowance?.money, change.usd, (value) => parseUsd(value, `${field}.usd`))
  // An allowance that limits nothing is no allowance.
  if (units === undefined && money === undefined) return undefined
  return { ...(units !== undefined && { units }), ...(money !== undefined && { money }) }
}

function pick<Given, Kept>(
  present: Kept | undefined,
  given: Given | null | undefined,
  read: (given: Given) => Kept,
): Kept | undefined {
  if (given === undefined) return present
  return given === null ? undefined : read(given)
}

function checkUnits(value: number, field: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new CloisterError('INVALID_REQUEST', `${field} is ${value}; a whole number from 0 to 2^53 - 1 is needed`)
}

function viewAllowance({ units, money }: Allowance): AllowanceView {
  return { ...(units !== undefined && { units }), ...(money !== undefined && { usd: formatUsd(money) }) }
}
