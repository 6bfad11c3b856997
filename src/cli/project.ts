import { stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import type { Context } from './context.ts'
import { readText } from './source.ts'
import { EXIT_USAGE, Stop } from './stop.ts'

/** What is to be deployed, and how. */
export interface Project {
  /** The file to start with. */
  readonly file: string
  /** The function's name. */
  readonly name: string
  /** As the API takes it, which checks it. */
  readonly config: Readonly<Record<string, unknown>>
}

/** The file that says what a folder of code is. */
export const PROJECT_FILE = 'cloister.json'
const FIELDS = ['name', 'main', 'config']
const EXAMPLE = '{ "name": "greet", "main": "src/main.ts", "config": { "env": { "GREETING": "hi" } } }'

/**
 * Reads what FILE or DIR is: a folder says it in its `cloister.json`; a file is the function that it is named after. Throws a
 * Stop that lists every fault of a project file.
 */
export async function readProject(place: string, name: string | undefined, context: Context): Promise<Project> {
  if (!(await isFolder(place))) {
    return { file: place, name: name ?? nameAfter(place), config: {} }
  }
  const file = join(place, PROJECT_FILE)
  const given = parseProject(file, await readText(file, context))
  const faults = faultsOf(given, name)
  if (faults.length > 0) {
    throw new Stop(`${file}: ${faults.join('; ')}`, { exit: EXIT_USAGE, next: `write it like this: ${EXAMPLE}` })
  }
  const { main, config = {} } = given as { main: string; config?: Record<string, unknown> }
  return { file: join(place, main), name: name ?? String(given['name']), config }
}

async function isFolder(place: string): Promise<boolean> {
  try {
    return (await stat(place)).isDirectory()
  } catch {
    // What is wrong with it is told by whoever reads it.
    return false
  }
}

/** `src/greet.ts` is `greet`, and `src/greet/index.ts` is `index`: nothing is guessed from folders. */
function nameAfter(file: string): string {
  return basename(file, extname(file)).replaceAll(/[^A-Za-z0-9_-]/g, '-')
}

function parseProject(file: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Stop(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      exit: EXIT_USAGE,
    })
  }
  if (isObject(value)) return value
  throw new Stop(`${file} is not an object`, { exit: EXIT_USAGE, next: `write it like this: ${EXAMPLE}` })
}

function faultsOf(given: Readonly<Record<string, unknown>>, name: string | undefined): readonly string[] {
  const { main, config } = given
  return [
    ...Object.keys(given)
      .filter((field) => !FIELDS.includes(field))
      .map((field) => `"${field}" is unknown; there are ${FIELDS.join(', ')}`),
    ...(typeof main === 'string' && main !== '' ? [] : ['"main" must be the file to start with']),
    ...(name !== undefined || typeof given['name'] === 'string' ? [] : ['"name" must be the name of the function']),
    ...(config === undefined || isObject(config) ? [] : ['"config" must be an object']),
  ]
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
