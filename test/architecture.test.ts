import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'

/**
 * The shape of the tree, held by reading imports. A stage knows `core` and itself; only main.ts knows the classes.
 */
const root = new URL('..', import.meta.url).pathname

/** Folders of src/ whose files may import, besides core and their own folder, what is listed. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  'config.ts': ['config'],
  pool: ['wire', 'kernel'],
  cell: ['wire', 'kernel', 'sandbox-api'],
  // The outermost part: it speaks to the rest through the HTTP API, in process or over a socket.
  cli: [
    'config.ts',
    'machine.ts',
    'main.ts',
    'version.ts',
    'policy',
    'pool/meter.ts',
    'store/sqlite/directory-lock.ts',
    'stress',
  ],
}
/** Files of src/ that put others together. */
const COMPOSERS = new Set([
  'src/main.ts',
  'src/capabilities.ts',
  'src/blob-service.ts',
  'src/event-service.ts',
  'src/canaries.ts',
  'src/durable.ts',
  'src/webhook-service.ts',
  'src/index.ts',
  'src/doctor.ts',
])
const LINES_MAX = 300
/** Lists of data. What stands in them is the guests' code, as text. */
const LISTS = /^src\/stress\/attacks\//

const files = globSync('{src,sandbox-api}/**/*.ts', { cwd: root }).toSorted()

test('there is code to look at', () => {
  expect(files.length).toBeGreaterThan(50)
})

test.each(files)('%s imports only what its place allows', (file) => {
  if (COMPOSERS.has(file)) return
  const own = placeOf(file)
  const allowed = new Set(['core', own, ...(ALSO[own] ?? [])])
  const strangers = importsOf(file).filter((target) => {
    const path = target.replace(/^src\//, '')
    return !allowed.has(placeOf(target)) && ![...allowed].some((one) => path === one)
  })
  expect(strangers).toEqual([])
})

test.each(files.filter((file) => !LISTS.test(file)))('%s is short enough to read', (file) => {
  expect(readFileSync(join(root, file), 'utf8').split('\n').length - 1).toBeLessThanOrEqual(LINES_MAX)
})

test('core does no input or output', () => {
  const modules = files.filter((file) => file.startsWith('src/core/')).flatMap((file) => packagesOf(file))
  expect(new Set(modules)).toEqual(new Set(['node:crypto', 'node:diagnostics_channel']))
})

test('only the clock reads the time', () => {
  const readers = files.filter(
    (file) => !LISTS.test(file) && /\b(Date\.now\(|performance\.now\(|new Date\(\))/.test(codeOf(file)),
  )
  // Inside a cell there is no host clock: a run's time in the isolate is the cell's own affair and is never charged.
  expect(readers).toEqual(['src/cell/cell.ts', 'src/cell/warm-up.ts', 'src/core/clock.ts'])
})

test('one file calls C', () => {
  const callers = files.filter((file) => /node:ffi/.test(codeOf(file)))
  // The probe asks for it too, to be refused, and so does a guest of the stress test.
  expect(callers).toEqual([
    'src/cell/probe/javascript.ts',
    'src/kernel/libc.ts',
    'src/stress/attacks/escape-by-module.ts',
  ])
})

test('one file gives a guest host functions', () => {
  const callers = files.filter((file) => /\bivm\.Callback\(|\.Callback\(/.test(codeOf(file)))
  expect(callers).toEqual(['src/cell/realm.ts'])
})

test('only the cell touches isolated-vm, and nothing copies a guest’s objects out of an isolate', () => {
  const users = files.filter((file) => packagesOf(file).includes('isolated-vm'))
  expect(users.every((file) => file.startsWith('src/cell/'))).toBe(true)
  const inside = files.filter((file) => file.startsWith('src/cell/'))
  const copiers = inside.filter((file) => /copy: true|new ivm\.Reference/.test(codeOf(file)))
  // The other way round: bytes that native code of the cell hands to a guest, as a buffer of the guest's own.
  expect(inside.filter((file) => /ExternalCopy/.test(codeOf(file)))).toEqual(['src/cell/realm.ts'])
  expect(copiers).toEqual([])
})

test('the guest runtime has no way to the cell’s modules, and one dependency: the streams of the web’s API', () => {
  const runtime = files.filter((file) => file.startsWith('sandbox-api/') && packagesOf(file).length > 0)
  expect(runtime.map((file) => [file, ...packagesOf(file)])).toEqual([
    ['sandbox-api/web/streams.ts', 'web-streams-polyfill'],
  ])
})

/** The first folder below src/, or the top-level folder: what the import rule is about. */
function placeOf(file: string): string {
  const parts = file.split('/')
  if (parts[0] !== 'src') return parts[0] ?? ''
  return parts[1] ?? ''
}

function importsOf(file: string): string[] {
  return specifiersOf(file)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => normalize(join(dirname(file), specifier)))
    .filter((target) => target.endsWith('.ts'))
}

function packagesOf(file: string): string[] {
  return specifiersOf(file).filter((specifier) => !specifier.startsWith('.'))
}

function specifiersOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found = text.matchAll(
    /(?:^|\n)(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g,
  )
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

/** The file without its comments. */
function codeOf(file: string): string {
  return readFileSync(join(root, file), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '')
}
