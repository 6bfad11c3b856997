import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import type { Comparison } from './compare.ts'
import type { Machine } from './saved.ts'
import { captionOf, catalogOf, configurationsOf, markdownOf, matrixOf, summaryOf } from './tables.ts'

/** The documents with tables of this comparison, and what stands between their markers `<!-- NAME -->` and `<!-- /NAME -->`. */
const DOCUMENTS: Readonly<Record<string, readonly string[]>> = {
  'README.md': ['containment'],
  'bench/containment/README.md': ['containment', 'containment-matrix', 'containment-programs', 'containment-peers'],
}

/** Writes the tables into the documents; gives back which. */
export async function writeDocuments(comparison: Comparison, machine: Machine): Promise<readonly string[]> {
  const parts: Readonly<Record<string, string>> = {
    containment: `${markdownOf(summaryOf(comparison))}\n\n${captionOf(comparison, machine)}`,
    'containment-matrix': markdownOf(matrixOf(comparison)),
    'containment-programs': markdownOf(catalogOf()),
    'containment-peers': markdownOf(configurationsOf()),
  }
  for (const [file, names] of Object.entries(DOCUMENTS)) {
    const path = fileURLToPath(new URL(`../../${file}`, import.meta.url))
    let text = readFileSync(path, 'utf8')
    for (const name of names) text = fill(text, name, parts[name] ?? '')
    writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }))
  }
  return Object.keys(DOCUMENTS)
}

/** The text with `content` between the markers of the name. Throws if they are not there. */
export function fill(text: string, name: string, content: string): string {
  const place = new RegExp(`(<!-- ${name} -->)[\\s\\S]*?(<!-- /${name} -->)`)
  if (!place.test(text)) throw new Error(`there is no place for the table "${name}"`)
  return text.replace(place, (_, open: string, close: string) => `${open}\n\n${content}\n\n${close}`)
}
