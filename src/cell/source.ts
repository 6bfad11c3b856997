import { codeFault } from './code-fault.ts'
import { parse } from 'es-module-lexer/minimal/js'
import { type DataKind, dataSource, kindOf } from './data-source.ts'
import { type Found, connectImports } from './import-calls.ts'
import { stripTypes } from './types-away.ts'

/** A source text, ready to compile. `columnOffset` undoes what was put before its first line. */
export interface PreparedSource {
  readonly code: string
  readonly columnOffset: number
  /** What the attribute `type` of its static imports says, by specifier. */
  readonly types: ReadonlyMap<string, string>
}

const BODY_PREFIX = 'export default async function (input, context) {'
const BODY_SUFFIX = '\n}'
const NO_TYPES: ReadonlyMap<string, string> = new Map()

/**
 * Makes a module of what a tenant wrote: types are stripped in place, code without any `export` or `import` becomes the
 * body of an async function, and `import()` and `import.meta` get what the engine does not give them. Lines and columns
 * stay those of the tenant's own text. Throws a SyntaxError with a position for TypeScript that cannot be stripped.
 */
export function prepareSource(name: string, source: string, role: 'main' | 'dependency'): PreparedSource {
  const kind = kindOf(name)
  if (kind !== 'code') return prepareData(name, source, kind)
  // A line for Unix is a comment for the language only at the very start.
  const own = source.startsWith('#!') ? `//${source.slice(2)}` : source
  const isBody = role === 'main' && !hasModuleSyntax(own)
  const module = isBody ? BODY_PREFIX + own + BODY_SUFFIX : own
  const prefixed = isBody ? BODY_PREFIX.length : 0
  const code = isTypeScript(name) ? stripTypes(name, module, prefixed) : module
  const found = lex(code)
  if (found === undefined) return { code: refuseSourcePhase(name, code), columnOffset: 0 - prefixed, types: NO_TYPES }
  const connected = connectImports(name, code, found)
  return {
    code: connected.prefix + connected.code,
    columnOffset: 0 - prefixed - connected.prefix.length,
    types: connected.types,
  }
}

/** A module whose default export is the data that a name or an import says it is. */
export function prepareData(name: string, source: string, kind: DataKind): PreparedSource {
  return { code: dataSource(name, source, kind), columnOffset: 0, types: NO_TYPES }
}

function isTypeScript(name: string): boolean {
  return name.endsWith('.ts') || name.endsWith('.mts')
}

function lex(source: string): readonly Found[] | undefined {
  try {
    return parse(source)[0]
  } catch {
    return undefined
  }
}

/** Whether a text exports or statically imports anything. A text that cannot be read is left to the compiler to judge. */
function hasModuleSyntax(source: string): boolean {
  try {
    const [imports, exports] = parse(source)
    return exports.length > 0 || imports.some((found) => found.d === -1)
  } catch {
    return /^\s*(export|import)\b/m.test(source)
  }
}

/** isolated-vm has no answer for `import source`, and V8 ends the process: never compile what may hold one unseen. */
function refuseSourcePhase(name: string, code: string): string {
  if (!/\bimport\b[^;]*\bsource\b/.test(code)) return code
  throw codeFault('SyntaxError', `the imports of this module cannot be read [${name}]`)
}
