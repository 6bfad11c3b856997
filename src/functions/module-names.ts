import { CloisterError } from '../core/errors.ts'
import type { Artifact } from '../core/run.ts'

export type Language = Artifact['language']

/** Longest name of a module. */
export const MODULE_NAME_LENGTH_MAX = 200
/** Modules of one submission. */
export const MODULES_MAX = 500

const CODE_EXTENSIONS: Readonly<Record<string, Language>> = {
  '.js': 'javascript',
  '.mjs': 'javascript',
  '.ts': 'typescript',
  '.mts': 'typescript',
}
const TEXT_EXTENSIONS = ['.json', '.txt', '.html', '.sql']
/** Bytes, which a submission holds as base64. */
const BINARY_EXTENSIONS = ['.wasm', '.bin']
const DATA_EXTENSIONS = [...TEXT_EXTENSIONS, ...BINARY_EXTENSIONS]
const ALL_EXTENSIONS = [...Object.keys(CODE_EXTENSIONS), ...DATA_EXTENSIONS].join(' ')
// Not \ and not what gives a specifier a scheme, a query or a fragment; control characters belong in no name at all.
// oxlint-disable-next-line no-control-regex
const PATH = /^[^\u0000-\u001f\u007f\\:?#/]+(\/[^\u0000-\u001f\u007f\\:?#/]+)*$/

/** The language that a name says; undefined for data and for anything else. */
export function languageOf(name: string): Language | undefined {
  return CODE_EXTENSIONS[extensionOf(name)]
}

/**
 * Checks that a name is a relative POSIX path that stays where it is: no empty, `.` or `..` part, no control character,
 * none of `\ : ? #`, and an ending that is known. Throws INVALID_REQUEST naming it.
 */
export function checkModuleName(name: string): void {
  const fault = findFault(name)
  if (fault === undefined) return
  throw new CloisterError('INVALID_REQUEST', `modules: the name ${JSON.stringify(name.slice(0, 80))} ${fault}`)
}

/**
 * Checks the source of a module whose name says that it is bytes: base64 with its padding, nothing else. Throws
 * INVALID_REQUEST naming it.
 */
export function checkModuleSource(name: string, source: string): void {
  if (!BINARY_EXTENSIONS.includes(extensionOf(name))) return
  if (source.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(source)) return
  throw new CloisterError('INVALID_REQUEST', `modules: the source of ${JSON.stringify(name)} is not base64`)
}

function findFault(name: string): string | undefined {
  if (name.length > MODULE_NAME_LENGTH_MAX)
    return `is ${name.length} characters long; at most ${MODULE_NAME_LENGTH_MAX}`
  if (!PATH.test(name) || !name.isWellFormed()) return 'is not a relative path without control characters and \\ : ? #'
  if (name.split('/').some((part) => part === '.' || part === '..')) return 'has a part that is . or ..'
  if (languageOf(name) === undefined && !DATA_EXTENSIONS.includes(extensionOf(name))) {
    return `does not end in one of ${ALL_EXTENSIONS}`
  }
  return undefined
}

function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot <= name.lastIndexOf('/') + 1 ? '' : name.slice(dot)
}
