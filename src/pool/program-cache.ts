import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** What bundling gave: texts by name, and the absolute path of each file that went into them. */
export interface Bundled {
  readonly texts: Readonly<Record<string, string>>
  readonly inputs: readonly string[]
}

/** What stands in the file, after its own digest and a line feed. */
interface Kept extends Bundled {
  /** What the bundles depend on besides their inputs. */
  readonly recipe: string
  /** Digest of the contents of all inputs, in order. */
  readonly content: string
}

/**
 * Remembers the last bundles in one file, so that only the first start after a change has to make them. They are taken from
 * it if nothing that they were made of has changed, and if the file is whole; otherwise they are made, and kept if the
 * file can be written. The file has to be where only those may write who may write the program itself.
 */
export async function bundleOnce(
  file: string | undefined,
  recipe: string,
  make: () => Promise<Bundled>,
): Promise<Readonly<Record<string, string>>> {
  if (file === undefined) return (await make()).texts
  const kept = read(file)
  if (kept !== undefined && kept.recipe === recipe && kept.content === digestOf(kept.inputs)) return kept.texts
  const { texts, inputs } = await make()
  const content = digestOf(inputs)
  if (content !== undefined) write(file, { recipe, content, inputs, texts })
  return texts
}

function read(file: string): Kept | undefined {
  try {
    const text = readFileSync(file, 'utf8')
    const end = text.indexOf('\n')
    const body = text.slice(end + 1)
    // After a loss of power a file may be there without all its content.
    return text.slice(0, end) === sha256(body) ? (JSON.parse(body) as Kept) : undefined
  } catch {
    return undefined
  }
}

function write(file: string, kept: Kept): void {
  const body = JSON.stringify(kept)
  const draft = `${file}.${randomUUID()}`
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    // Renamed into place: another host that starts now reads the old file or the new one. Nobody else may write to it.
    writeFileSync(draft, `${sha256(body)}\n${body}`, { mode: 0o600, flag: 'wx' })
    renameSync(draft, file)
  } catch {
    // An installation that cannot be written to, or a full disk: the next start makes the bundles again.
  }
}

/** Undefined if one of the files cannot be read. */
function digestOf(files: readonly string[]): string | undefined {
  const hash = createHash('sha256')
  try {
    for (const file of files) {
      const content = readFileSync(file)
      hash.update(`${file}\0${content.byteLength}\0`).update(content)
    }
    return hash.digest('hex')
  } catch {
    return undefined
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
