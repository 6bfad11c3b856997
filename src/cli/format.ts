/** Quantities for people. Each function shows `–` for what is absent. */
export const ABSENT = '–'

/** 1234567 → `1,234,567`. Takes whole numbers of any length, also as text. */
export function formatCount(value: number | bigint | string | undefined): string {
  if (value === undefined) return ABSENT
  return groupThousands(String(value))
}

/** 12.41 → `12.4 ms`, 61200 → `61.2 s`. */
export function formatMillis(valueMs: number | undefined): string {
  if (valueMs === undefined) return ABSENT
  if (valueMs >= 1_000) return `${groupThousands(trimZeros((valueMs / 1_000).toFixed(2)))} s`
  return `${trimZeros(valueMs.toFixed(valueMs < 1 ? 3 : 1))} ms`
}

/** 1536 → `1.5 KiB`. */
export function formatBytes(value: number | undefined): string {
  if (value === undefined) return ABSENT
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let amount = value
  let index = 0
  while (amount >= 1_024 && index < names.length - 1) {
    amount /= 1_024
    index += 1
  }
  return `${groupThousands(trimZeros(amount.toFixed(1)))} ${names[index] ?? ''}`
}

/** Dollars as decimal text, exactly: `0.000000208` → `$0.000000208`, `1.5` → `$1.50`. Other text stays as it is. */
export function formatUsd(amount: string | undefined): string {
  if (amount === undefined) return ABSENT
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount)
  if (match === null) return amount
  const [, sign = '', whole = '', fraction = ''] = match
  return `${sign}$${groupThousands(whole)}.${fraction.replace(/0+$/, '').padEnd(2, '0')}`
}

/** `2026-03-04T05:06:07.089Z` → `2026-03-04 05:06:07`; text that is no such time stays as it is. */
export function formatTime(iso: string | undefined): string {
  if (iso === undefined) return ABSENT
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z$/.exec(iso)
  return match === null ? iso : `${match[1]} ${match[2]}`
}

/** 1 and `unit` → `1 unit`; 2 → `2 units`. */
export function formatPlural(value: number | bigint | undefined, noun: string): string {
  return `${formatCount(value)} ${noun}${value === 1 || value === 1n ? '' : 's'}`
}

function groupThousands(text: string): string {
  const [whole = '', ...fraction] = text.split('.')
  return [whole.replace(/\B(?=(\d{3})+$)/g, ','), ...fraction].join('.')
}

function trimZeros(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal
}
