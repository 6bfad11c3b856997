import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BuildOptions } from 'esbuild'
import { type Bundled, bundleOnce } from './program-cache.ts'
import { writeByContent } from './write-by-content.ts'

/** What a cell's process is made of: one file of JavaScript, one native addon, and the guest runtime's source text. */
export interface CellProgram {
  /** Absolute path of the cell's code. */
  readonly file: string
  /** Absolute path of the code of a probe: what is started instead of a cell to try the walls. */
  readonly probe: string
  /** Absolute path of isolated-vm's addon for this machine. */
  readonly addon: string
  /** An expression whose value is the runtime's `boot` function. */
  readonly runtime: string
  /** An expression whose value is the `open` function of the web's own API. */
  readonly web: string
}

const ROOT = new URL('../../', import.meta.url)
const DIRECTORY = fileURLToPath(ROOT)
/** Beside the compiled code of this installation: who may write there may write the program itself. */
const CACHE = fileURLToPath(new URL('node_modules/.cache/cloister/program', ROOT))

const MODULES = {
  cell: { path: '../cell/main', format: 'cjs' },
  probe: { path: '../cell/probe/main', format: 'cjs' },
  runtime: { path: '../../sandbox-api/main', format: 'iife' },
  web: { path: '../../sandbox-api/web/main', format: 'iife' },
} as const

type Names = keyof typeof MODULES
const NAMES = Object.keys(MODULES) as Names[]

/**
 * Bundles the cell and the guest runtime, so that a cell needs one file and no module resolution, and writes the file to
 * `directory` under a name that is a hash of its content. Takes about 250 ms in the first host of an installation, and 10 in
 * others, which find the bundles in the `cache`.
 */
export async function buildCellProgram(directory: string, cache: string | undefined = CACHE): Promise<CellProgram> {
  const { cell, probe, runtime, web } = (await bundleOnce(cache, recipe(), bundleAll)) as Record<Names, string>
  return {
    file: writeByContent(directory, 'cell', 'cjs', Buffer.from(cell)),
    probe: writeByContent(directory, 'probe', 'cjs', Buffer.from(probe)),
    addon: findAddon(),
    runtime: expression(runtime, 'boot'),
    web: expression(web, 'open'),
  }
}

/** The bundler's functions that evaluate a module are named as its file, and a guest can read names in stacks. */
const NAMED_AS_FILE = /"(?:[\w.@-]+\/)+[\w.-]+\.m?[jt]s"\(/g

/** A script whose value is one export of a bundled module. */
function expression(bundled: string, name: string): string {
  return `(() => {\n'use strict'\n${bundled.replaceAll(NAMED_AS_FILE, 'init(')}\nreturn runtime.${name}\n})()`
}

/** What decides about the bundles besides the texts that go into them: the packages there are, and how they are bundled. */
function recipe(): string {
  return `${readFileSync(new URL('package.json', ROOT), 'utf8')}${JSON.stringify(NAMES.map(optionsOf))}`
}

async function bundleAll(): Promise<Bundled> {
  const { build, stop } = await import('esbuild')
  const built = await Promise.all(NAMES.map((name) => build(optionsOf(name))))
  // Its process would stay for as long as the host does.
  await stop()
  const inputs = new Set(built.flatMap(({ metafile }) => Object.keys(metafile.inputs)))
  return {
    texts: Object.fromEntries(built.map(({ outputFiles }, index) => [NAMES[index], outputFiles[0]?.text ?? ''])),
    inputs: [...inputs].map((path) => resolve(DIRECTORY, path)),
  }
}

function optionsOf(name: Names) {
  const { path, format } = MODULES[name]
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return {
    entryPoints: [fileURLToPath(new URL(path + extension, import.meta.url))],
    absWorkingDir: DIRECTORY,
    bundle: true,
    write: false,
    metafile: true,
    format,
    ...(format === 'iife' ? { globalName: 'runtime', platform: 'neutral' } : { platform: 'node' }),
    target: 'node26',
    legalComments: 'none',
    logLevel: 'silent',
  } as const satisfies BuildOptions
}

/** The prebuilt addon inside the isolated-vm package that fits this machine; throws when there is none. */
function findAddon(): string {
  const require = createRequire(import.meta.url)
  const home = join(require.resolve('isolated-vm/package.json'), '..')
  const { resolve } = createRequire(join(home, 'package.json'))('node-gyp-build') as {
    resolve(directory: string): string
  }
  return resolve(home)
}
