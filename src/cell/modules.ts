import type ivm from 'isolated-vm'
import { posix } from 'node:path'
import type { CellArtifact } from '../wire/to-cell.ts'
import { prepareSource } from './source.ts'

/**
 * Compiles an artifact's main module and, through relative imports, all that it needs, and links them in a context.
 * Throws SyntaxError with `[file:line:column]`, or an Error that names the import that leads nowhere.
 * `origin` is what debuggers find before the modules' names.
 */
export function linkArtifact(
  isolate: ivm.Isolate,
  context: ivm.Context,
  artifact: CellArtifact,
  origin = '',
): ivm.Module {
  const sources = new Map(artifact.modules)
  const compiled = new Map<string, ivm.Module>()
  const names = new Map<ivm.Module, string>()

  const compile = (name: string, role: 'main' | 'dependency'): ivm.Module => {
    const existing = compiled.get(name)
    if (existing !== undefined) return existing
    const { code, columnOffset } = prepareSource(name, sources.get(name) ?? '', role)
    const module = isolate.compileModuleSync(code, { filename: origin + name, columnOffset })
    compiled.set(name, module)
    names.set(module, name)
    return module
  }

  const resolve = (specifier: string, referrer: ivm.Module): ivm.Module => {
    const from = names.get(referrer) ?? artifact.main
    if (!specifier.startsWith('./') && !specifier.startsWith('../')) {
      throw new Error(
        `${from} imports '${cut(specifier)}': only relative imports of submitted modules exist; bundle packages into the code`,
      )
    }
    const name = posix.join(posix.dirname(from), specifier)
    if (!sources.has(name))
      throw new Error(`${from} imports '${cut(specifier)}', but there is no module '${cut(name)}'`)
    return compile(name, 'dependency')
  }

  const main = compile(artifact.main, 'main')
  main.instantiateSync(context, resolve)
  return main
}

function cut(text: string): string {
  return text.slice(0, 200)
}
