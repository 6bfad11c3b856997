import { stripTypeScriptTypes } from 'node:module'
import { parse } from 'es-module-lexer/minimal/js'

/** A source text, ready to compile. `columnOffset` undoes what was put before its first line. */
export interface PreparedSource {
  readonly code: string
  readonly columnOffset: number
}

const BODY_PREFIX = 'export default async function (input, context) {'
const BODY_SUFFIX = '\n}'

/**
 * Makes a module of what a tenant wrote: types are stripped in place, and code without any `export` or `import`
 * becomes the body of an async function. Lines and columns stay those of the tenant's own text.
 * Throws a SyntaxError with a position for TypeScript that cannot be stripped.
 */
export function prepareSource(name: string, source: string, role: 'main' | 'dependency'): PreparedSource {
  if (name.endsWith('.json')) return { code: `export default ${jsonLiteral(name, source)}`, columnOffset: -15 }
  if (name.endsWith('.txt')) return { code: `export default ${JSON.stringify(source)}`, columnOffset: -15 }
  const isBody = role === 'main' && !hasModuleSyntax(source)
  const module = isBody ? BODY_PREFIX + source + BODY_SUFFIX : source
  return { code: isTypeScript(name) ? strip(name, module) : module, columnOffset: isBody ? -BODY_PREFIX.length : 0 }
}

function isTypeScript(name: string): boolean {
  return name.endsWith('.ts') || name.endsWith('.mts')
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

function strip(name: string, source: string): string {
  try {
    return stripTypeScriptTypes(source, { mode: 'strip' })
  } catch (error) {
    const text = error instanceof Error ? error.message : 'the types cannot be stripped'
    throw new SyntaxError(`${text.slice(0, 1_000)} [${name}]`)
  }
}

function jsonLiteral(name: string, source: string): string {
  try {
    return JSON.stringify(JSON.parse(source))
  } catch (error) {
    throw new SyntaxError(`${error instanceof Error ? error.message : 'not JSON'} [${name}]`)
  }
}
