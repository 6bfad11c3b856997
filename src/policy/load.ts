import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CloisterError } from '../core/errors.ts'
import { checkText, createPolicyCatalog, type PolicyCatalog, type PolicySource } from './catalog.ts'
import type { CheckedPolicy } from './check.ts'
import { POLICY_TEXT_MAX } from './json-text.ts'

/** Most policies in one folder. Each is resolved when the host starts. */
const FILES_MAX = 10_000

/**
 * Loads the shipped policies and then those of the operator's folders, `*.json` in each; what is deeper is not read.
 * Synchronous, as it runs once before the host starts. Throws INVALID_POLICY with every fault of every file, or naming
 * the folder or file that cannot be read.
 */
export function loadPolicies(directories: readonly string[]): PolicyCatalog {
  return createPolicyCatalog({ folders: [shippedPolicies(), ...directories].map(readFolder) })
}

/**
 * Checks the text of a policy file. A syntax error's message has its line and column. What `extends` names is looked up
 * among the shipped policies, or in the catalog that is given. Never throws for what the text holds.
 */
export function checkPolicyText(text: string, catalog: PolicyCatalog = loadPolicies([])): CheckedPolicy {
  return checkText(text, (overlay) => catalog.check(overlay))
}

/**
 * The folder of shipped policies. Found from this file upwards, because source and compiled code lie at different depths
 * beside it.
 */
export function shippedPolicies(): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  for (let depth = 0; depth < 4; depth += 1) {
    directory = dirname(directory)
    if (existsSync(join(directory, 'policies', 'default.json'))) return join(directory, 'policies')
  }
  throw new CloisterError('INTERNAL', 'the folder policies/ is missing from this installation')
}

function readFolder(directory: string): readonly PolicySource[] {
  const files = reading(directory, () => readdirSync(directory))
    .filter(isPolicyFile)
    .toSorted()
  if (files.length > FILES_MAX) {
    throw new CloisterError('INVALID_POLICY', `${directory}: holds ${files.length} policies; at most ${FILES_MAX}`)
  }
  return files.map((file) => {
    const source = join(directory, file)
    return { source, name: basename(file, '.json'), text: reading(source, () => readText(source)) }
  })
}

function isPolicyFile(name: string): boolean {
  return name.endsWith('.json') && !name.endsWith('.schema.json')
}

function readText(path: string): string {
  const { size } = statSync(path)
  if (size > POLICY_TEXT_MAX) throw new Error(`it is ${size} bytes long; at most ${POLICY_TEXT_MAX}`)
  return readFileSync(path, 'utf8')
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CloisterError('INVALID_POLICY', `${path}: cannot be read: ${why}`, { cause })
  }
}
