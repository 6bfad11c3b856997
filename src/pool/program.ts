import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, stop } from 'esbuild'
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

/**
 * Bundles the cell and the guest runtime, so that a cell needs one file and no module resolution, and writes the file to
 * `directory` under a name that is a hash of its content. Takes about 50 ms, once at the start of a host.
 */
export async function buildCellProgram(directory: string): Promise<CellProgram> {
  const [cell, probe, runtime, web] = await Promise.all([
    bundle('../cell/main', 'cjs'),
    bundle('../cell/probe/main', 'cjs'),
    bundle('../../sandbox-api/main', 'iife'),
    bundle('../../sandbox-api/web/main', 'iife'),
  ])
  // Its process would stay for as long as the host does.
  await stop()
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

async function bundle(module: string, format: 'cjs' | 'iife'): Promise<string> {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  const result = await build({
    entryPoints: [fileURLToPath(new URL(module + extension, import.meta.url))],
    bundle: true,
    write: false,
    format,
    ...(format === 'iife' ? { globalName: 'runtime', platform: 'neutral' } : { platform: 'node' }),
    target: 'node26',
    legalComments: 'none',
    logLevel: 'silent',
  })
  return result.outputFiles[0]?.text ?? ''
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
