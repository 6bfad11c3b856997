import { codeFault } from './code-fault.ts'
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'

/** Longest specifier that is looked at or repeated in a message. */
const SPECIFIER_LENGTH_MAX = 200

const ENDINGS = ['.js', '.ts', '.mjs', '.mts', '.json', '/index.js', '/index.ts', '/index.mjs', '/index.mts']

/**
 * The name of the module that an import means: a path relative to the module that it stands in. Throws a TypeError that
 * says what is wrong with it, and what to write instead where that can be told.
 */
export function resolveSpecifier(specifier: string, from: string, names: ReadonlySet<string>): string {
  const shown = `${from} imports '${specifier.slice(0, SPECIFIER_LENGTH_MAX)}'`
  if (!/^\.\.?\//.test(specifier)) throw codeFault('TypeError', `${shown}: ${strangerFault(specifier)}`)
  const name = posix.join(posix.dirname(from), specifier)
  if (names.has(name)) return name
  throw codeFault('TypeError', `${shown}, but ${missingFault(name, from, names)}`)
}

/** Why something that is not a relative path cannot be imported. */
function strangerFault(specifier: string): string {
  if (isBuiltin(specifier) || specifier.startsWith('node:')) {
    return 'there are no built-in modules of Node.js here; the globals are those of the web'
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(specifier)) return 'nothing is imported by URL; submit it as a module of the code'
  if (specifier.startsWith('/')) return 'a path begins with ./ or ../'
  return 'only relative imports of submitted modules exist; bundle packages into the code, as `cloister run` does'
}

/** Why a path leads nowhere. */
function missingFault(name: string, from: string, names: ReadonlySet<string>): string {
  if (name.startsWith('..')) return 'that leads out of the submitted modules'
  const missing = `there is no module '${name.slice(0, SPECIFIER_LENGTH_MAX)}'`
  const similar = findSimilar(name, names)
  if (similar !== undefined) return `${missing}; import '${relative(from, similar)}'`
  const folder = name.endsWith('/') ? name : `${name}/`
  return [...names].some((one) => one.startsWith(folder)) ? `'${folder}' is a folder; import a module in it` : missing
}

/** The module that was meant: by another ending, in other case, or with what TypeScript is called before it is compiled. */
function findSimilar(name: string, names: ReadonlySet<string>): string | undefined {
  const plain = name.replace(/\/$/, '')
  const ended = ENDINGS.map((ending) => plain + ending).find((one) => names.has(one))
  if (ended !== undefined) return ended
  const source = name.replace(/\.(m?)js$/, '.$1ts')
  if (names.has(source)) return source
  const lower = name.toLowerCase()
  return [...names].find((one) => one.toLowerCase() === lower)
}

function relative(from: string, name: string): string {
  const path = posix.relative(`/${posix.dirname(from)}`, `/${name}`)
  return path.startsWith('../') ? path : `./${path}`
}
