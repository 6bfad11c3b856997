import { CapabilityError } from '../capability.ts'
import { AddressRefused } from './address.ts'
import type { Overflow, QueryBounds } from './bounded-query.ts'
import { ServerTooLoud } from './database-socket.ts'

/** What the server reports of a statement. Every field comes from a server that may be a tenant's own. */
interface ServerReport extends Error {
  readonly severity: string
  readonly code?: string
  readonly position?: string
  readonly detail?: string
  readonly hint?: string
  readonly table?: string
  readonly column?: string
  readonly constraint?: string
}

const TEXT_MAX = 2_000

/** What a guest is told of a statement that failed: the server's own words, with SQLSTATE and position. */
export function statementFault(error: unknown): unknown {
  if (error instanceof CapabilityError) return error
  if (!isReport(error)) return connectionLost(error)
  const { code = 'XX000', message, position, detail, hint, table, column, constraint } = error
  const details = {
    sqlState: cut(code),
    ...(position !== undefined && { position: Number(position) }),
    ...(detail !== undefined && { detail: cut(detail) }),
    ...(hint !== undefined && { hint: cut(hint) }),
    ...(table !== undefined && { table: cut(table) }),
    ...(column !== undefined && { column: cut(column) }),
    ...(constraint !== undefined && { constraint: cut(constraint) }),
  }
  return new CapabilityError('SQL_ERROR', cut(message), details)
}

/** What a guest is told when there is no connection to be had: why, but nothing of where the database is. */
export function connectFault(error: unknown): CapabilityError {
  if (isReport(error)) {
    const sqlState = cut(error.code ?? 'XX000')
    return new CapabilityError('UNAVAILABLE', `the database refused the connection (${sqlState})`, { sqlState })
  }
  if (error instanceof AddressRefused) return new CapabilityError('UNAVAILABLE', error.message)
  return new CapabilityError('UNAVAILABLE', `the database cannot be reached (${reasonOf(error)})`)
}

/** The same for whoever may change the binding: in the server's own words. */
export function connectReason(error: unknown): string {
  if (isReport(error)) return cut(`${error.message} (${error.code ?? 'no SQLSTATE'})`)
  return error instanceof Error ? cut(error.message) : reasonOf(error)
}

/** What a guest is told of a result that is too large. */
export function overflowFault(overflow: Overflow, bounds: QueryBounds): CapabilityError {
  switch (overflow) {
    case 'rows':
      return tooLarge(`more than ${bounds.rows} rows (capabilities.sql.rows)`)
    case 'bytes':
      return tooLarge(`more than ${bounds.resultBytes} bytes as JSON (capabilities.sql.resultBytes)`)
    case 'copy':
      return new CapabilityError('INVALID_ARGUMENT', 'COPY is not available: insert rows, or select them')
  }
}

function tooLarge(what: string): CapabilityError {
  return new CapabilityError('QUOTA_EXCEEDED', `the result has ${what}; what the statement changed stays changed`)
}

function connectionLost(error: unknown): CapabilityError {
  if (error instanceof ServerTooLoud) {
    return new CapabilityError(
      'QUOTA_EXCEEDED',
      'the server sent far more than the largest result; the connection was cut',
    )
  }
  const message = `the connection was lost (${reasonOf(error)}); the statement may have taken effect`
  return new CapabilityError('UNAVAILABLE', message)
}

function isReport(error: unknown): error is ServerReport {
  return error instanceof Error && 'severity' in error
}

/** Words of Node and of pg that say what happened, without addresses. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return code ?? (error.message.startsWith('timeout expired') ? 'it took too long' : 'it closed the connection')
}

function cut(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}…`
}
