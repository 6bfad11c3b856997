import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { reasonToSkip } from './skipped.ts'

/** Folders that test what the minimum common web API has. */
export const FOLDERS = [
  'console',
  'dom/abort',
  'dom/events',
  'encoding',
  'FileAPI',
  'hr-time',
  'html/webappapis',
  'streams',
  'url',
  'wasm',
  'WebCryptoAPI',
  'webidl',
] as const

/** One file of the web-platform-tests in one of its variants. */
export interface ConformanceTest {
  /** The path below the test tree, and the variant after it. */
  readonly id: string
  readonly file: string
  /** What stands after the path in the address, such as `?1-1000`; most often nothing. */
  readonly variant: string
  readonly folder: string
  /** Paths of the scripts that it asks for, in order. */
  readonly scripts: readonly string[]
  readonly long: boolean
  /** Why no peer runs it; undefined if all do. */
  readonly skip: string | undefined
}

/** The tests of the folders or files named, in the order of their paths. Throws if a name has none. */
export function findTests(tree: string, names: readonly string[] = FOLDERS): readonly ConformanceTest[] {
  if (!existsSync(join(tree, 'resources/testharness.js'))) {
    throw new Error(`${tree} holds no web-platform-tests; bench/conformance/README.md says how to get them`)
  }
  return names.flatMap((name) => {
    const files = filesOf(tree, name)
    if (files.length === 0) throw new Error(`there is no test ${name} in ${tree}`)
    return files.flatMap((file) => testsOf(tree, file))
  })
}

function filesOf(tree: string, name: string): string[] {
  const path = normalize(name)
  if (path.endsWith('.js')) return existsSync(join(tree, path)) ? [path] : []
  return globSync(`${path}/**/*.{any,window}.js`, { cwd: tree }).toSorted()
}

function testsOf(tree: string, file: string): ConformanceTest[] {
  const text = readFileSync(join(tree, file), 'utf8')
  const meta = [...text.matchAll(/^\/\/ META: (\w+)=(.*)$/gm)].map(([, key, value]) => ({ key, value: value ?? '' }))
  const all = (key: string): string[] => meta.filter((line) => line.key === key).map(({ value }) => value.trim())
  const scripts = all('script').map((path) => resolveIn(file, path))
  const variants = all('variant')
  const folder = FOLDERS.find((name) => file.startsWith(`${name}/`)) ?? file.split('/')[0] ?? ''
  return (variants.length === 0 ? [''] : variants).map((variant) => ({
    id: `${file}${variant}`,
    file,
    variant,
    folder,
    scripts,
    long: all('timeout').includes('long'),
    skip: missingOf(tree, scripts) ?? reasonToSkip(file, text),
  }))
}

function missingOf(tree: string, scripts: readonly string[]): string | undefined {
  const missing = scripts.find((path) => !existsSync(join(tree, path)))
  return missing && `needs ${missing}, which this tree lacks`
}

export const IDL_PARSER = 'resources/webidl2/lib/webidl2.js'

/** The path in the tree that a test means by a path of its own. */
export function resolveIn(file: string, path: string): string {
  const inTree = path.startsWith('/') ? path.slice(1) : normalize(join(dirname(file), path))
  // The server of the test suite has it under this name.
  return inTree === 'resources/WebIDLParser.js' ? IDL_PARSER : inTree
}
