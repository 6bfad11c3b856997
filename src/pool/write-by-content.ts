import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Writes a read-only file whose name is `stem`, a hash of its content, and `extension`. Returns its path. */
export function writeByContent(directory: string, stem: string, extension: string, content: Buffer): string {
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 16)
  const file = join(directory, `${stem}-${digest}.${extension}`)
  if (existsSync(file)) return file
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  // Renamed into place, so that a host that starts at the same moment never reads half a file.
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, content)
  chmodSync(draft, 0o444)
  renameSync(draft, file)
  return file
}
