import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { basename, dirname, extname, join } from 'node:path'
import { type BuildFailure, type BuildOptions, type Message, type Plugin, build, stop } from 'esbuild'
import type { ProgramSource } from './program-source.ts'
import { createPositions } from './source-positions.ts'
import { EXIT_USAGE, Stop } from './stop.ts'

/** What is to be bundled. */
interface Entry {
  /** The name that it goes by as a module. */
  readonly main: string
  readonly code: string
  /** Absolute; undefined for standard input, which imports from where the command is given. */
  readonly path: string | undefined
  readonly form: 'module' | 'body'
}

const BODY_PREFIX = 'export default async function (input, context) {'
/** Faults that are shown; the rest is counted. */
const FAULTS_SHOWN = 10

/**
 * Bundles an entry with all that it imports into one module, and the WebAssembly that it imports beside it. The map back to
 * the sources stays here: it has the names of the user's own files, which are of no use to a server, and where an error
 * is shown is here.
 */
export async function bundle({ main, code, path, form }: Entry): Promise<ProgramSource> {
  const directory = process.cwd()
  const name = `${main.slice(0, -extname(main).length)}.js`
  const wasm = new Map<string, string>()
  const wrapped = form === 'body' ? `${BODY_PREFIX}${code}\n}` : code
  const stdin = {
    contents: wrapped,
    resolveDir: path === undefined ? directory : dirname(path),
    sourcefile: path ?? join(directory, main),
    loader: main.endsWith('ts') ? ('ts' as const) : ('js' as const),
  }
  const files = await run({
    ...OPTIONS,
    ...(path === undefined || form === 'body' ? { stdin } : { entryPoints: [path] }),
    absWorkingDir: directory,
    outfile: join(directory, name),
    plugins: [keepWasm(wasm), refuseBuiltins],
  })
  const origin = form === 'body' ? { file: stdin.sourcefile, columns: BODY_PREFIX.length } : undefined
  return programOf({ name, files, wasm, origin })
}

/** What came out of a bundling, as a submission. */
export function programOf({
  name,
  files,
  wasm,
  origin,
}: {
  readonly name: string
  readonly files: readonly { readonly path: string; readonly text: string }[]
  readonly wasm: ReadonlyMap<string, string>
  readonly origin?: Parameters<typeof createPositions>[2]
}): ProgramSource {
  const [map = '', text = ''] = ['.map', '.js'].map((end) => files.find((file) => file.path.endsWith(end))?.text ?? '')
  return {
    modules: { [name]: text, ...Object.fromEntries(wasm) },
    main: name,
    positions: createPositions(name, map, origin),
  }
}

/** Packages that ask are told that they are in a worker of the web, and that this is production. */
export const OPTIONS = {
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'browser',
  target: 'esnext',
  conditions: ['workerd', 'worker', 'browser', 'module'],
  mainFields: ['browser', 'module', 'main'],
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.html': 'text', '.sql': 'text', '.bin': 'binary' },
  sourcemap: 'external',
  sourcesContent: false,
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'silent',
} as const satisfies BuildOptions

async function run(options: BuildOptions): Promise<readonly { readonly path: string; readonly text: string }[]> {
  try {
    return (await build({ ...options, write: false })).outputFiles ?? []
  } catch (error) {
    if (error instanceof Error && 'errors' in error) throw refusal((error as BuildFailure).errors)
    throw error
  } finally {
    // Its process would stay for as long as this one does.
    await stop()
  }
}

/** WebAssembly goes along as a module of its own. Names are told apart by a number. */
export function keepWasm(found: Map<string, string>): Plugin {
  const names = new Map<string, string>()
  return {
    name: 'wasm',
    setup: (builder) => {
      builder.onResolve({ filter: /\.wasm$/ }, async ({ path, pluginData, ...rest }) => {
        if (pluginData === 'resolved') return undefined
        const { importer, namespace, resolveDir, kind } = rest
        const resolved = await builder.resolve(path, { importer, namespace, resolveDir, kind, pluginData: 'resolved' })
        if (resolved.errors.length > 0) return { errors: resolved.errors }
        const name = names.getOrInsertComputed(resolved.path, () => `${names.size}-${basename(resolved.path)}`)
        found.set(name, (await readFile(resolved.path)).toString('base64'))
        return { path: `./${name}`, external: true }
      })
    },
  }
}

/** What Node.js has built in cannot be bundled for a guest. */
export const refuseBuiltins: Plugin = {
  name: 'builtins',
  setup: (builder) => {
    builder.onResolve({ filter: /^[a-z_:/]+$/ }, async ({ path, pluginData, importer, resolveDir, kind }) => {
      if (pluginData === 'resolved' || !isBuiltin(path)) return undefined
      // A package of the same name, or what a package says is there for browsers, comes first.
      const resolved = await builder.resolve(path, { importer, resolveDir, kind, pluginData: 'resolved' })
      if (resolved.errors.length === 0) return resolved
      return { errors: [{ text: `"${path}" is built into Node.js, and a guest has none of that` }] }
    })
  },
}

/** What is told of code that cannot be bundled. */
export function refusal(errors: readonly Message[]): Stop {
  const shown = errors.slice(0, FAULTS_SHOWN).map(({ text, location }) => {
    const place = location === null ? '' : `${location.file}:${location.line}:${location.column + 1}: `
    return `  ${place}${text}`
  })
  const more = errors.length > FAULTS_SHOWN ? [`  and ${errors.length - FAULTS_SHOWN} more`] : []
  const missing = errors
    .map(({ text }) => /^Could not resolve "([^."/][^"]*)"/.exec(text)?.[1])
    .find((one) => one !== undefined)
  return new Stop(['the code cannot be bundled:', ...shown, ...more].join('\n'), {
    exit: EXIT_USAGE,
    ...(missing !== undefined && { next: `npm install ${packageOf(missing)}` }),
  })
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
