import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { TABLES, fillTables } from '../scripts/tables.ts'

const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
/** Markdown without the padding that a formatter gives to tables. */
const squeeze = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---')

test.each(['README.md', 'ARCHITECTURE.md', 'SECURITY.md'])(
  'the tables in %s are what the code says (npm run tables writes them)',
  (file) => {
    expect(squeeze(read(file))).toBe(squeeze(fillTables(read(file))))
  },
)

test.each(Object.entries(TABLES))('the table of %s stands in a document, with all its rows', (_, render) => {
  const documents = squeeze(read('README.md') + read('ARCHITECTURE.md') + read('SECURITY.md'))
  expect(documents).toContain(squeeze(render()))
})

test('every dependency has its reason in ARCHITECTURE.md', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>
  const architecture = read('ARCHITECTURE.md')
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) expect(architecture).toContain(`\`${name}\``)
})
