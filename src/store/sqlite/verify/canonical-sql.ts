/**
 * The canonical text of a ledger row as one SQL expression: what `canonicalText` makes of the same columns. It need not
 * agree in every case (SQLite may escape a character otherwise): a record whose text differs here does not fit its
 * hash, and then the reference has the last word.
 */
export const CANONICAL_SQL = concatenated([
  number('{"format":', 'format'),
  text(',"run":', 'run'),
  text(',"tenant":', 'tenant'),
  text(',"trigger":', '"trigger"'),
  text(',"status":', 'status'),
  number(',"startedAt":', 'started_at'),
  number(',"policy":', 'json_quote(policy)'),
  text(',"walls":', 'walls'),
  number(',"wallMicros":', 'wall_us'),
  number(',"cpuMicros":', 'cpu_us'),
  number(',"units":', 'units'),
  number(',"memoryMb":', 'memory_mib'),
  number(',"peakMemoryBytes":', 'peak_memory_bytes'),
  number(',"inputBytes":', 'input_bytes'),
  number(',"outputBytes":', 'output_bytes'),
  number(',"logBytes":', 'log_bytes'),
  number(',"coldStart":', 'cold_start'),
  number(',"operations":', 'operations'),
  unless('function IS NULL AND version IS NULL', [
    text(',"function":', `ifnull(function, 'null')`),
    number(',"version":', `ifnull(version, 'null')`),
  ]),
  unless('parent_run IS NULL', [text(',"parentRun":', 'parent_run')]),
  unless(`kind = 'run'`, [text(',"kind":', 'kind')]),
  unless('egress_bytes = 0', [number(',"egressBytes":', 'egress_bytes')]),
  unless('ingress_bytes = 0', [number(',"ingressBytes":', 'ingress_bytes')]),
  unless('stored_byte_hours = 0', [number(',"storedByteHours":', 'stored_byte_hours')]),
  `'}'`,
])

function number(before: string, column: string): string {
  return `'${before}', ${column}`
}

function text(before: string, column: string): string {
  return `'${before}"', ${column}, '"'`
}

function unless(condition: string, parts: readonly string[]): string {
  return `iif(${condition}, '', ${concatenated(parts)})`
}

function concatenated(parts: readonly string[]): string {
  return `concat(${parts.join(', ')})`
}
