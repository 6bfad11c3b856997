import { existsSync, globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const BENCH = fileURLToPath(new URL('../', import.meta.url))

/** The version of a package as it is installed for the bench; undefined if it is not. */
export function installedVersion(name: string): string | undefined {
  const folder = require.resolve.paths(name)?.find((path) => existsSync(`${path}/${name}/package.json`))
  if (folder === undefined) return undefined
  return (JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version: string }).version
}

/** Deno's own executable. The package's `bin` is a Node script that starts it, which a kill would not pass on. */
export function denoBinary(): string {
  const [file] = globSync(`node_modules/@deno/${process.platform}-${process.arch}*/deno`, { cwd: BENCH })
  if (file === undefined) throw new Error('deno is not installed; run: npm ci --prefix bench')
  return `${BENCH}${file}`
}

/** workerd's own executable. */
export function workerdBinary(): string {
  return `${BENCH}node_modules/.bin/workerd`
}
