import type { BilledLine, Bill } from './bill.ts'
import { csv } from './csv.ts'

/** The columns of FOCUS 1.2 that a bill has something to say in, in the order of their names. Others are optional or null. */
const HEADER = [
  'BilledCost',
  'BillingAccountId',
  'BillingAccountName',
  'BillingAccountType',
  'BillingCurrency',
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargeFrequency',
  'ChargePeriodEnd',
  'ChargePeriodStart',
  'ConsumedQuantity',
  'ConsumedUnit',
  'ContractedCost',
  'ContractedUnitPrice',
  'EffectiveCost',
  'InvoiceIssuerName',
  'ListCost',
  'ListUnitPrice',
  'PricingCategory',
  'PricingQuantity',
  'PricingUnit',
  'ProviderName',
  'PublisherName',
  'RegionId',
  'RegionName',
  'ResourceId',
  'ResourceName',
  'ResourceType',
  'ServiceCategory',
  'ServiceName',
  'ServiceSubcategory',
  'SkuId',
  'SkuPriceId',
] as const
type Column = (typeof HEADER)[number]

const ISSUER = 'Cloister'
/** A line that is not of compute: which kind of service FOCUS counts it to. */
const STORAGE_LINES = new Set(['storage'])
const NETWORK_LINES = new Set(['egress', 'ingress'])

/**
 * A bill as rows of the FinOps Open Cost and Usage Specification, FOCUS 1.2, as CSV: a row a line of the bill, hence no
 * total. Discounts and the minimum of a month are adjustments, and list cost is before discounts. FOCUS writes times without
 * fractions.
 */
export function focusCsv(bill: Bill): string {
  return csv([HEADER, ...bill.lines.map((line) => rowOf(bill, line)).map((row) => HEADER.map((name) => row[name]))])
}

function rowOf(bill: Bill, line: BilledLine): Readonly<Record<Column, string>> {
  const isDiscount = line.line.startsWith('discount:')
  // What was not used has no quantity and no price of its own in FOCUS.
  const isUsage = !isDiscount && line.line !== 'minimum'
  const used = (text: string): string => (isUsage ? text : '')
  const [start, end] = [focusTime(bill.from), focusTime(bill.to)]
  const book = line.priceBook ?? bill.priceBook
  return {
    BilledCost: line.amount,
    BillingAccountId: bill.tenant,
    BillingAccountName: bill.tenant,
    BillingAccountType: 'Tenant',
    BillingCurrency: bill.currency,
    BillingPeriodEnd: end,
    BillingPeriodStart: start,
    ChargeCategory: isUsage ? 'Usage' : 'Adjustment',
    ChargeClass: '',
    ChargeDescription: line.description,
    ChargeFrequency: 'Usage-Based',
    ChargePeriodEnd: end,
    ChargePeriodStart: start,
    ConsumedQuantity: used(line.quantity),
    ConsumedUnit: used(line.unit),
    ContractedCost: line.amount,
    ContractedUnitPrice: used(line.unitPrice),
    EffectiveCost: line.amount,
    InvoiceIssuerName: ISSUER,
    ListCost: isDiscount ? '0.000000000' : line.amount,
    ListUnitPrice: used(line.unitPrice),
    PricingCategory: used('Standard'),
    PricingQuantity: used(line.quantity),
    PricingUnit: used(line.unit),
    ProviderName: ISSUER,
    PublisherName: ISSUER,
    RegionId: '',
    RegionName: '',
    ResourceId: '',
    ResourceName: '',
    ResourceType: '',
    ...serviceOf(line.line),
    ServiceName: 'Cloister Functions',
    SkuId: used(line.line),
    SkuPriceId: used(`${book.name}@${book.version}/${line.line}`),
  }
}

function serviceOf(line: string): Readonly<Record<'ServiceCategory' | 'ServiceSubcategory', string>> {
  if (STORAGE_LINES.has(line)) return { ServiceCategory: 'Storage', ServiceSubcategory: 'Other (Storage)' }
  if (NETWORK_LINES.has(line)) return { ServiceCategory: 'Networking', ServiceSubcategory: 'Other (Networking)' }
  return { ServiceCategory: 'Compute', ServiceSubcategory: 'Serverless Compute' }
}

function focusTime(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z')
}
