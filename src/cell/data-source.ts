import { codeFault } from './code-fault.ts'
import { DOOR } from './door.ts'

/** What a module is: code, or data that is the default export of a module made of it. */
export type DataKind = 'json' | 'text' | 'bytes' | 'wasm'

const KINDS: Readonly<Record<string, DataKind>> = {
  '.json': 'json',
  '.txt': 'text',
  '.html': 'text',
  '.sql': 'text',
  '.bin': 'bytes',
  '.wasm': 'wasm',
}
const TYPES = new Set(['json', 'text', 'bytes'])

/** What a module is by its name alone. */
export function kindOf(name: string): DataKind | 'code' {
  return KINDS[name.slice(name.lastIndexOf('.'))] ?? 'code'
}

/**
 * What an import takes a module for: what its attribute `type` says, or else what its name says. Sources of names that end
 * in .wasm and .bin are base64 and nothing but bytes. Throws a TypeError for a type that does not exist or does not fit.
 */
export function kindFor(name: string, type: string | undefined): DataKind | 'code' {
  const own = kindOf(name)
  if (type === undefined || type === own) return own
  const isBinary = own === 'bytes' || own === 'wasm'
  const fits = type === 'text' ? !isBinary : type === 'bytes' && isBinary
  if (fits) return type as DataKind
  if (!TYPES.has(type))
    throw codeFault('TypeError', `'${name}' is imported as type '${type.slice(0, 40)}': there is json, text and bytes`)
  throw codeFault('TypeError', `'${name}' is imported as type '${type}', which it is not by its name`)
}

/** The source of a module that exports data. It is made of the text when the module is evaluated. */
export function dataSource(name: string, source: string, kind: DataKind): string {
  if (kind === 'text') return `export default ${JSON.stringify(source)}`
  if (kind === 'json') checkJson(name, source)
  return `import{${kind} as make}from"${DOOR}";export default make(${JSON.stringify(source)},${JSON.stringify(name)})`
}

function checkJson(name: string, source: string): void {
  try {
    JSON.parse(source)
  } catch (error) {
    throw codeFault('SyntaxError', `${error instanceof Error ? error.message : 'not JSON'} [${name}]`)
  }
}
