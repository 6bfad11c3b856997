import { codeFault } from './code-fault.ts'
import { stripTypeScriptTypes } from 'node:module'

/**
 * Takes TypeScript's types away, in place: lines and columns stay. Throws a SyntaxError with `[file:line:column]` for what
 * is more than types. `shift` is how much of the first line is not the tenant's own.
 */
export function stripTypes(name: string, source: string, shift: number): string {
  try {
    return stripTypeScriptTypes(source, { mode: 'strip' })
  } catch (error) {
    const text = error instanceof Error ? error.message : 'the types cannot be stripped'
    throw codeFault('SyntaxError', `${text.slice(0, 1_000)} [${name}${positionOf(error, shift)}]`)
  }
}

/** `:line:column` of what the stripper's error points at: it begins with `:line`, the line itself and one of carets. */
function positionOf(error: unknown, shift: number): string {
  if (!(error instanceof Error)) return ''
  const [place = '', ...lines] = (error.stack ?? '').split('\n')
  const line = /^:(\d+)$/.exec(place)?.[1]
  if (line === undefined) return ''
  const column = (lines.find((one) => /^\s*\^+$/.test(one)) ?? '').indexOf('^')
  if (column < 0) return `:${line}`
  return `:${line}:${column + 1 - (line === '1' ? shift : 0)}`
}
