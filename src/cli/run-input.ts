import type { Context } from './context.ts'
import { nameOf, readText } from './source.ts'
import { EXIT_USAGE, Stop } from './stop.ts'

interface InputOptions {
  readonly input?: string
  readonly inputFile?: string
}

/** The input of a run as JSON text, exactly as it was given; undefined if there is none. Throws a Stop if it is not JSON. */
export async function readInput({ input, inputFile }: InputOptions, context: Context): Promise<string | undefined> {
  if (input === undefined && inputFile === undefined) return undefined
  const text = input ?? (await readText(inputFile ?? '-', context))
  try {
    JSON.parse(text)
    return text
  } catch (error) {
    const origin = input === undefined ? nameOf(inputFile ?? '-') : '--input'
    throw new Stop(`${origin} is not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      exit: EXIT_USAGE,
      next: `strings need their quotes: --input '"text"'`,
    })
  }
}
