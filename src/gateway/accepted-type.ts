/**
 * Which of two forms a caller wants: CSV if its Accept header names it and does not prefer JSON, or if the query says
 * so, which is what a browser's address bar can do.
 */
export function acceptedType(accept: string | undefined, format: 'json' | 'csv' | undefined): 'json' | 'csv' {
  if (format !== undefined) return format
  if (accept === undefined) return 'json'
  const ranges = accept.split(',').map(readRange)
  const weightOf = (type: string): number => ranges.find((range) => range.type === type)?.weight ?? 0
  const csv = weightOf('text/csv')
  return csv > 0 && csv >= weightOf('application/json') ? 'csv' : 'json'
}

function readRange(text: string): { readonly type: string; readonly weight: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  return { type, weight: weight === undefined ? 1 : Number(weight) || 0 }
}
