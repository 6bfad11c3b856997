import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bundleOnce } from '../../src/pool/program-cache.ts'
import { buildCellProgram } from '../../src/pool/program.ts'

let folder: string
let input: string
let made: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cloister-cache-'))
  input = join(folder, 'input.ts')
  made = 0
  writeFileSync(input, 'one')
})
afterEach(() => rmSync(folder, { recursive: true }))

const file = (): string => join(folder, 'cache', 'program')

function bundle(recipe = 'recipe', path: string | undefined = file()): Promise<Readonly<Record<string, string>>> {
  return bundleOnce(path, recipe, async () => {
    made += 1
    return { texts: { cell: `bundle of ${readFileSync(input, 'utf8')}` }, inputs: [input] }
  })
}

test('bundles are made once for as long as nothing that they are made of changes', async () => {
  expect(await bundle()).toEqual({ cell: 'bundle of one' })
  expect(await bundle()).toEqual({ cell: 'bundle of one' })
  expect(made).toBe(1)
  writeFileSync(input, 'two')
  expect(await bundle()).toEqual({ cell: 'bundle of two' })
  await bundle('another recipe')
  expect(made).toBe(3)
  // One file, whatever has changed how often, and nobody else's to read or write.
  expect(readdirSync(join(folder, 'cache'))).toEqual(['program'])
  expect(statSync(file()).mode & 0o777).toBe(0o600)
  expect(statSync(join(folder, 'cache')).mode & 0o777).toBe(0o700)
})

test('a file that is cut short, changed or no such file at all is not believed', async () => {
  await bundle()
  truncateSync(file(), 100)
  expect(await bundle()).toEqual({ cell: 'bundle of one' })
  writeFileSync(file(), readFileSync(file(), 'utf8').replace('bundle of one', 'something else'))
  expect(await bundle()).toEqual({ cell: 'bundle of one' })
  writeFileSync(file(), '{}')
  expect(await bundle()).toEqual({ cell: 'bundle of one' })
  expect(made).toBe(4)
})

test('where nothing can be written the bundles are made each time', async () => {
  writeFileSync(join(folder, 'cache'), 'a file, where the folder should be')
  expect(await bundle()).toEqual({ cell: 'bundle of one' })
  expect(await bundle()).toEqual({ cell: 'bundle of one' })
  expect(made).toBe(2)
})

test('a program from the cache is the program, to the byte', async () => {
  const cache = join(folder, 'program')
  const first = await buildCellProgram(join(folder, 'first'), cache)
  // Only by its name could it tell that the text was not made for it: the second one must come from the file.
  const kept = readFileSync(cache, 'utf8')
  chmodSync(cache, 0o400)
  const second = await buildCellProgram(join(folder, 'second'), cache)
  expect(readFileSync(cache, 'utf8')).toBe(kept)
  expect(second).toEqual({ ...first, file: second.file, probe: second.probe })
  expect(readFileSync(second.file)).toEqual(readFileSync(first.file))
  expect(readFileSync(second.probe)).toEqual(readFileSync(first.probe))
})
