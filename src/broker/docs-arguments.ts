import type { DocWrite } from '../core/documents.ts'
import type { DocsGrant } from '../core/policy.ts'
import { fieldsOf, invalid, jsonOf, listOf, optionsOf, textOf, wholeOf } from './arguments.ts'

/** Changes of one transaction. */
export const WRITES_MAX = 100
/** A document's id, in bytes: it stands in every index. */
export const ID_BYTES_MAX = 128
const PATH_BYTES_MAX = 128
const PATH_NAMES_MAX = 8
/** Deeper data is a mistake or an attack, and all that walks through it would need a deep stack. */
const DEPTH_MAX = 100
const COLLECTION = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/

/** A collection as a guest names it, with the indexes that it relies on. */
export interface CollectionArgument {
  readonly name: string
  readonly indexes: readonly string[]
}

/** A name, or `{ name, indexes }`. */
export function collectionOf(given: unknown, grant: DocsGrant, where = 'collection'): CollectionArgument {
  if (typeof given !== 'object' || given === null) return { name: collectionNameOf(given, where), indexes: [] }
  const { name, indexes } = fieldsOf(given, where, ['name', 'indexes'])
  return { name: collectionNameOf(name, `${where}.name`), indexes: indexesOf(indexes, grant) }
}

/** 1 to 63 of letters, digits, `_` and `-`, a letter or `_` first. */
export function collectionNameOf(given: unknown, where = 'collection'): string {
  if (typeof given === 'string' && COLLECTION.test(given)) return given
  throw invalid(`${where} must be 1 to 63 of A-Z, a-z, 0-9, _ and -, a letter or _ first`)
}

/** Paths of fields, each once. */
export function indexesOf(given: unknown, { indexes: max }: DocsGrant): readonly string[] {
  if (given === undefined || given === null) return []
  if (!Array.isArray(given) || given.length > max) {
    throw invalid(`indexes must be a list of at most ${max} (capabilities.docs.indexes)`)
  }
  return [...new Set(given.map((path, place) => pathOf(path, `indexes[${place}]`)))]
}

/** Names of fields with dots between them. */
export function pathOf(given: unknown, where: string): string {
  const path = textOf(given, where, PATH_BYTES_MAX)
  const names = path.split('.')
  if (names.includes('')) throw invalid(`${where} must be names of fields with dots between them, as "customer.id"`)
  if (names.length > PATH_NAMES_MAX)
    throw invalid(`${where} has ${names.length} names; at most ${PATH_NAMES_MAX} are allowed`)
  return path
}

export function idOf(given: unknown, where = 'id'): string {
  return textOf(given, where, ID_BYTES_MAX)
}

/** The JSON text of an object. */
export function documentOf(given: unknown, { documentBytes }: DocsGrant, where: string): string {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalid(`${where} must be an object${given === undefined ? '; it is undefined' : ''}`)
  }
  if (isDeeper(given, DEPTH_MAX)) throw invalid(`${where} is nested more than ${DEPTH_MAX} deep`)
  return jsonOf(given, where, documentBytes)
}

/** `{ ifVersion }` and what else an operation knows. */
export function writeOptionsOf(
  given: unknown,
  known: readonly string[],
): { ifVersion?: number; options: Record<string, unknown> } {
  const options = optionsOf(given, ['ifVersion', ...known])
  return { ...versionOf(options['ifVersion'], 'options.ifVersion'), options }
}

interface OpParts {
  readonly grant: DocsGrant
  readonly newId: () => string
}

const OPS = ['insert', 'replace', 'put', 'patch', 'delete', 'check'] as const

/** The changes of a transaction. */
export function writesOf(given: unknown, parts: OpParts): readonly DocWrite[] {
  return listOf(given, 'operations', WRITES_MAX).map((each, place) => writeOf(each, `operations[${place}]`, parts))
}

function writeOf(given: unknown, where: string, { grant, newId }: OpParts): DocWrite {
  const fields = fieldsOf(given, where, ['op', 'collection', 'id', 'data', 'ifVersion'])
  const op = OPS.find((name) => name === fields['op'])
  if (op === undefined) throw invalid(`${where}.op must be one of ${OPS.join(', ')}`)
  const isNew = op === 'insert' && (fields['id'] === undefined || fields['id'] === null)
  const target = {
    collection: collectionNameOf(fields['collection'], `${where}.collection`),
    id: isNew ? newId() : idOf(fields['id'], `${where}.id`),
    ...versionOf(fields['ifVersion'], `${where}.ifVersion`),
  }
  if (op === 'check' && target.ifVersion === undefined) {
    throw invalid(`${where}.ifVersion is what a check is for; 0 means that there must be no such document`)
  }
  if (op !== 'delete' && op !== 'check')
    return { ...target, op, data: documentOf(fields['data'], grant, `${where}.data`) }
  if (fields['data'] !== undefined) throw invalid(`${where}.data has no meaning for ${op}`)
  return { ...target, op }
}

function versionOf(given: unknown, where: string): { ifVersion?: number } {
  if (given === undefined || given === null) return {}
  return { ifVersion: wholeOf(given, where, { min: 0, max: Number.MAX_SAFE_INTEGER }) }
}

/** Walks without recursion: the depth is what is in question. */
function isDeeper(value: object, max: number): boolean {
  let level: object[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === max) return true
    level = level.flatMap((each) =>
      Object.values(each).filter((inner): inner is object => typeof inner === 'object' && inner !== null),
    )
  }
  return false
}
