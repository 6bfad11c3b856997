import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { bundle } from '../../../src/cli/bundle.ts'
import { createCloister } from '../../../src/index.ts'
import { fill } from '../../containment/documents.ts'
import { markdownOf } from '../../containment/tables.ts'

/**
 * Bundles each program of this folder as `cloister run` does, runs it in a cell under the policy `default`, and compares what
 * it gives with what the same program gives in Node: `node bench/conformance/npm/main.ts [NAME…]`. Without names it puts
 * the table into the README of bench/conformance.
 */
const HERE = fileURLToPath(new URL('.', import.meta.url))
const README = fileURLToPath(new URL('../README.md', import.meta.url))
/** A process of its own for each: what one does to the language is not there for the next. */
const IN_NODE =
  'const { default: run } = await import(process.argv[1]); console.log(JSON.stringify((await run()) ?? null))'

interface Row {
  readonly library: string
  readonly kilobytes: number
  readonly coldMs: number
  readonly fault: string
}

const wanted = process.argv.slice(2)
const { dependencies } = JSON.parse(readFileSync(`${HERE}package.json`, 'utf8')) as {
  dependencies: Record<string, string>
}
const rows: Row[] = []
{
  await using cloister = await createCloister()
  for (const file of globSync(`${HERE}programs/*.js`).toSorted()) {
    const name = basename(file, '.js')
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const library = `${name} ${dependencies[name] ?? ''}`
    const expected = execFileSync(process.execPath, ['--input-type=module', '-e', IN_NODE, file], {
      encoding: 'utf8',
    }).trim()
    try {
      const code = readFileSync(file, 'utf8')
      const { modules, main, positions } = await bundle({ main: 'main.js', code, path: file, form: 'module' })
      const { status, result, error, usage } = await cloister.execute({ modules, main })
      const size = Object.values(modules).reduce((sum, text) => sum + text.length, 0)
      const got = JSON.stringify(result ?? null)
      const fault =
        status !== 'ok'
          ? `${status}: ${error?.name}: ${error?.message}`
          : got === expected
            ? ''
            : `gives ${firstDifference(got, expected)}`
      if (wanted.length > 0 && status !== 'ok') console.error(positions?.translate(error?.stack ?? ''))
      rows.push({ library, kilobytes: size / 1_024, coldMs: usage.wallMs, fault })
    } catch (error) {
      rows.push({ library, kilobytes: 0, coldMs: 0, fault: error instanceof Error ? error.message : String(error) })
    }
    const { fault, kilobytes, coldMs } = rows.at(-1) as Row
    console.log(
      `${library.padEnd(24)} ${fault === '' ? 'works' : 'FAILS'}  ${kilobytes.toFixed(0)} KB  ${coldMs.toFixed(0)} ms  ${fault}`,
    )
  }
}
const works = rows.filter(({ fault }) => fault === '').length
console.log(`${works} of ${rows.length} work`)
if (wanted.length === 0) await writeTable()

async function writeTable(): Promise<void> {
  const table = [
    ['library', 'works', 'bundle', 'what fails, and why'],
    ...rows.map(({ library, kilobytes, fault }) => [
      library,
      fault === '' ? 'yes' : 'no',
      `${kilobytes.toFixed(0)} KB`,
      fault.replaceAll('|', '\\|').replaceAll(/\s+/g, ' '),
    ]),
  ]
  const text = fill(readFileSync(README, 'utf8'), 'npm', `${markdownOf(table)}\n\n${works} of ${rows.length} work.`)
  writeFileSync(README, await format(text, { ...(await resolveConfig(README)), filepath: README }))
}

function firstDifference(got: string, expected: string): string {
  let at = 0
  while (got[at] === expected[at]) at += 1
  return `${got.slice(Math.max(0, at - 20), at + 60)} instead of ${expected.slice(Math.max(0, at - 20), at + 60)}`
}
