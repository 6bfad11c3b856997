import type { TenantId } from './ids.ts'
import type { EpochMillis } from './quantity.ts'
import type { TimeRange } from './stores.ts'

/** A month of a tenant that is closed. */
export interface Invoice extends TimeRange {
  readonly tenant: TenantId
  /** `YYYY-MM`. */
  readonly period: string
  readonly closedAt: EpochMillis
  /** Ledger records that it is made of. */
  readonly records: number
  /** JSON text: the price books that it was made by. */
  readonly books: string
  /** JSON text: the bill, byte by byte as it was made. */
  readonly bill: string
}

/** Invoices are kept for good, also of tenants that were deleted. */
export interface InvoiceStore {
  /** False if the month has an invoice already, or if it has other records than `records` by then. */
  put(invoice: Invoice): Promise<boolean>
  find(tenant: TenantId, period: string): Promise<Invoice | undefined>
  /** All of a tenant, by period. */
  list(tenant: TenantId): Promise<readonly Invoice[]>
  /** Tenants that have records in a month and no invoice of it. */
  unbilled(range: TimeRange, period: string): Promise<readonly TenantId[]>
  /** Where the last closed month ends; 0 if none is closed. */
  closedUntil(): Promise<EpochMillis>
}
