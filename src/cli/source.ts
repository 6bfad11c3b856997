import { openAsBlob } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import type { Context } from './context.ts'
import { EXIT_USAGE, Stop } from './stop.ts'

export type Language = 'javascript' | 'typescript'

const LANGUAGES: Readonly<Record<string, Language>> = {
  '.js': 'javascript',
  '.mjs': 'javascript',
  '.ts': 'typescript',
  '.mts': 'typescript',
}

export const LANGUAGE_NAMES: readonly Language[] = ['javascript', 'typescript']

const MAIN_NAMES: Readonly<Record<Language, string>> = { javascript: 'main.js', typescript: 'main.ts' }
// What the API takes for the name of a module; anything else goes by a name that says no more than the language.
const MODULE_NAME = /^[\w@%+=,. ()-]{1,200}$/

/**
 * The name that a file goes by as a module, so that stack traces name the file. It says the language by its extension.
 * Standard input is taken for JavaScript. Throws a Stop when neither the name nor `given` says the language.
 */
export function moduleNameOf(file: string, given: Language | undefined): string {
  const name = basename(file)
  const spoken = LANGUAGES[extname(name)]
  const language = given ?? (file === '-' ? 'javascript' : spoken)
  if (language !== undefined) return language === spoken && MODULE_NAME.test(name) ? name : MAIN_NAMES[language]
  throw new Stop(`cannot tell the language of ${name} by its extension`, {
    exit: EXIT_USAGE,
    next: `name it ${Object.keys(LANGUAGES).join(', ')}, or say --language javascript or --language typescript`,
  })
}

/** The text of a file, or of standard input for `-`. Throws a Stop when it cannot be read or is not UTF-8. */
export async function readText(file: string, { stdin }: Context): Promise<string> {
  const content = file === '-' ? await readAll(stdin) : await readNamed(file)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    throw new Stop(`${nameOf(file)} is not UTF-8 text`, { exit: EXIT_USAGE })
  }
}

/** A file, or standard input for `-`, as bytes that are read when they are sent. Throws a Stop when it cannot be read. */
export async function readBytes(file: string, { stdin }: Context): Promise<Blob> {
  if (file === '-') return new Blob([Buffer.from(await readAll(stdin))])
  try {
    return await openAsBlob(file)
  } catch {
    // It says no more of any reason than that it failed.
    return new Blob([Buffer.from(await readNamed(file))])
  }
}

/** What a file is called in a message. */
export function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file
}

async function readNamed(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (error) {
    const reason =
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : String(error)
    throw new Stop(`cannot read ${file}: ${reason}`, { exit: EXIT_USAGE })
  }
}

async function readAll(stream: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
