import { resolve } from 'node:path'
import { parse } from 'es-module-lexer/minimal/js'
import { bundle } from './bundle.ts'
import type { Context } from './context.ts'
import { type Language, moduleNameOf, readText } from './source.ts'
import type { Positions } from './source-positions.ts'

/** What is submitted for a file. */
export interface ProgramSource {
  readonly modules: Readonly<Record<string, string>>
  readonly main: string
  /** Where things are in the user's own files; undefined if the file was sent as it is. */
  readonly positions: Positions | undefined
}

/**
 * Makes a submission of a file. One that imports nothing is sent as it is. Any other is bundled with all that it imports, from
 * the disk and from `node_modules`. Throws a Stop that lists what could not be bundled.
 */
export async function readProgram(
  file: string,
  language: Language | undefined,
  context: Context,
): Promise<ProgramSource> {
  const main = moduleNameOf(file, language)
  const code = await readText(file, context)
  const { imports, isModule } = look(code)
  if (!imports) return { modules: { [main]: code }, main, positions: undefined }
  const path = file === '-' ? undefined : resolve(file)
  return await bundle({ main, code, path, form: isModule ? 'module' : 'body' })
}

/** Whether a text imports anything, and whether it is a module or the body of a function. */
function look(code: string): { readonly imports: boolean; readonly isModule: boolean } {
  try {
    const [imports, exports] = parse(code)
    return {
      // `import.meta` is no import, and what is worked out only when the code runs cannot be bundled.
      imports: imports.some(({ d, n }) => d !== -2 && n !== undefined),
      isModule: exports.length > 0 || imports.some(({ d }) => d === -1),
    }
  } catch {
    // The lexer is made for JavaScript. What TypeScript it cannot read is looked at line by line.
    return {
      imports: /^\s*import\b|\bimport\s*\(|^\s*export\b.*\bfrom\b/m.test(code),
      isModule: /^\s*(export|import)\b/m.test(code),
    }
  }
}
