import { dirname, join, resolve } from 'node:path'
import { type BuildContext, type BuildFailure, context as createContext, stop } from 'esbuild'
import { OPTIONS, keepWasm, programOf, refusal, refuseBuiltins } from './bundle.ts'
import type { ProgramSource } from './program-source.ts'

/** Bundles one file again and again: what has not changed is not read again. */
export interface IncrementalBundle extends AsyncDisposable {
  /** Throws a Stop that lists what cannot be bundled. */
  build(): Promise<ProgramSource>
  /** Folders of all files that went into the last bundle, without those of packages. */
  readonly folders: readonly string[]
}

/** Opens a bundler for a file. Its process ends when it is disposed of. */
export async function openBundle(file: string): Promise<IncrementalBundle> {
  const name = 'main.js'
  const directory = process.cwd()
  const wasm = new Map<string, string>()
  const entry = resolve(file)
  let folders: readonly string[] = [dirname(entry)]
  const bundler: BuildContext<{ write: false; metafile: true }> = await createContext({
    ...OPTIONS,
    write: false,
    metafile: true,
    entryPoints: [entry],
    absWorkingDir: directory,
    outfile: join(directory, name),
    plugins: [keepWasm(wasm), refuseBuiltins],
  })
  return {
    async build() {
      try {
        wasm.clear()
        const { outputFiles, metafile } = await bundler.rebuild()
        const inputs = Object.keys(metafile.inputs).filter((input) => !input.includes('node_modules'))
        folders = [
          ...new Set([entry, ...inputs.map((input) => resolve(directory, input))].map((path) => dirname(path))),
        ]
        return programOf({ name, files: outputFiles, wasm })
      } catch (error) {
        if (error instanceof Error && 'errors' in error) throw refusal((error as BuildFailure).errors)
        throw error
      }
    },
    get folders() {
      return folders
    },
    async [Symbol.asyncDispose]() {
      await bundler.dispose()
      await stop()
    },
  }
}
