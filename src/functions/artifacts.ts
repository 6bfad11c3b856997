import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { CloisterError } from '../core/errors.ts'
import { artifactId } from '../core/ids.ts'
import { type Bytes, bytes } from '../core/quantity.ts'
import type { Artifact } from '../core/run.ts'
import { type Language, MODULES_MAX, checkModuleName, checkModuleSource, languageOf } from './module-names.ts'

/** Code as a caller gives it: `code` alone, or `modules` and which of them is `main`. */
export interface Submission {
  readonly code?: string | undefined
  readonly modules?: Readonly<Record<string, string>> | undefined
  readonly main?: string | undefined
  readonly language?: Language | undefined
}

export interface Artifacts {
  /**
   * The artifact of submitted code. The same single file costs one map look-up when it comes again. Throws
   * INVALID_REQUEST naming the field.
   *
   * Invariant: equal language, main, names and sources, and nothing else, give an equal id.
   */
  build(submission: Submission): Artifact
}

interface Parts {
  /** What remembered submissions may take in memory together. */
  readonly cacheSize: Bytes
}

const LANGUAGES: readonly Language[] = ['javascript', 'typescript']
const MAIN_NAMES: Readonly<Record<Language, string>> = { javascript: 'main.js', typescript: 'main.ts' }
// What an entry takes besides its text: the artifact, its map, and the cache's own slots.
const ENTRY_BYTES = 500

export function createArtifacts({ cacheSize }: Parts): Artifacts {
  const caches = new Map(LANGUAGES.map((language) => [language, createCache(bytes(Math.floor(cacheSize / 2)))]))
  return {
    build(submission) {
      const { code, language = 'javascript' } = submission
      if (code === undefined) return buildFromModules(submission)
      const known = caches.get(language)?.get(code)
      return known !== undefined && isCodeAlone(submission) ? known : buildFromCode(submission, code, caches)
    },
  }
}

type Cache = LRUCache<string, Artifact>

function createCache(size: Bytes): Cache {
  // A string of V8 takes up to two bytes a character, and is both the key and the source in the artifact.
  const sizeOf = (_artifact: Artifact, code: string): number => code.length * 2 + ENTRY_BYTES
  return new LRUCache<string, Artifact>({ maxSize: size, maxEntrySize: Math.ceil(size / 8), sizeCalculation: sizeOf })
}

function isCodeAlone({ modules, main }: Submission): boolean {
  return modules === undefined && main === undefined
}

function buildFromCode(submission: Submission, code: string, caches: ReadonlyMap<Language, Cache>): Artifact {
  if (typeof code !== 'string') throw invalid('code is not a string')
  if (submission.modules !== undefined) throw invalid('code and modules are both there; give one of them')
  if (submission.main !== undefined) throw invalid('main goes with modules; code alone has none')
  const language = checkLanguage(submission.language) ?? 'javascript'
  const main = MAIN_NAMES[language]
  const artifact = createArtifact(language, main, new Map([[main, code]]))
  caches.get(language)?.set(code, artifact)
  return artifact
}

function buildFromModules({ modules, main, language }: Submission): Artifact {
  if (modules === undefined) throw invalid('code is missing; give code, or modules and main')
  const entries = Object.entries(modules)
  if (entries.length > MODULES_MAX) throw invalid(`modules: there are ${entries.length}; at most ${MODULES_MAX}`)
  for (const [name, source] of entries) {
    checkModuleName(name)
    if (typeof source !== 'string') throw invalid(`modules: the source of ${JSON.stringify(name)} is not a string`)
    checkModuleSource(name, source)
  }
  if (main === undefined) throw invalid('main is missing; name the module to start with')
  if (!Object.hasOwn(modules, main)) throw invalid(`main is ${JSON.stringify(main)}, which is not one of the modules`)
  const own = languageOf(main)
  if (own === undefined) throw invalid(`main is ${JSON.stringify(main)}, which is data and cannot be started`)
  return createArtifact(checkLanguage(language) ?? own, main, new Map(entries))
}

function createArtifact(language: Language, main: string, modules: ReadonlyMap<string, string>): Artifact {
  let size = 0
  for (const source of modules.values()) size += Buffer.byteLength(source)
  return Object.freeze({ id: digest(language, main, modules), language, main, modules, size: bytes(size) })
}

// JSON of arrays has one reading only, so no two submissions share an encoding; the number is the encoding's version.
function digest(language: Language, main: string, modules: ReadonlyMap<string, string>): Artifact['id'] {
  const sorted = [...modules].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return artifactId(hash('sha256', JSON.stringify([1, language, main, sorted])))
}

function checkLanguage(language: Language | undefined): Language | undefined {
  if (language === undefined || LANGUAGES.includes(language)) return language
  throw invalid(`language is ${JSON.stringify(language)}; one of ${LANGUAGES.join(', ')}`)
}

function invalid(message: string): CloisterError {
  return new CloisterError('INVALID_REQUEST', message)
}
