/** The quantities of ledger records that are summed, apart from operations, which have names of their own. */
export const SUMMED = [
  'records',
  'requests',
  'units',
  'unitMebibytes',
  'wallMicros',
  'cpuMicros',
  'inputBytes',
  'outputBytes',
  'egressBytes',
  'ingressBytes',
  'storedByteHours',
  'coldStarts',
] as const
export type Summed = (typeof SUMMED)[number]

/** Each of them by what `value` says of it. */
export function eachSum(value: (name: Summed) => bigint): Record<Summed, bigint> {
  return Object.fromEntries(SUMMED.map((name) => [name, value(name)])) as Record<Summed, bigint>
}
